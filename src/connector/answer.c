/* See answer.h. */
#include "connector/answer.h"

enum reason answer_transport_reason(enum transport transport)
{
	switch (transport) {
	case TRANSPORT_CONNECT: return REASON_CONNECT;
	case TRANSPORT_TLS: return REASON_TLS;
	case TRANSPORT_TIMEOUT: return REASON_TIMEOUT;
	case TRANSPORT_CUT: return REASON_CUT;
	case TRANSPORT_TOO_LARGE:
	case TRANSPORT_OK: break;
	}
	return REASON_BAD_ANSWER;
}
