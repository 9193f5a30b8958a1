/* The table of contents: every command, and where it is. */
#include "admin/cli/cli.h"
#include "admin/cli/cli_backup.h"
#include "admin/cli/cli_completion.h"
#include "admin/cli/cli_config.h"
#include "admin/cli/cli_control.h"
#include "admin/cli/cli_explain.h"
#include "admin/cli/cli_export.h"
#include "admin/cli/cli_migrate.h"
#include "admin/cli/cli_person.h"
#include "admin/cli/cli_reconcile.h"
#include "admin/cli/cli_repair.h"
#include "admin/cli/cli_setup.h"
#include "admin/cli/cli_status.h"
#include "app.h"

const struct command commands[] = {
	{ "serve", app_serve, "serve [--listen ADDRESS] [--log-level LEVEL]",
	    "the relay, in the foreground",
	    "Runs until SIGTERM or SIGINT, then finishes what is under way and exits 0.\n"
	    "Logs go to stderr; at=ready says that callbacks are accepted.\n" },
	{ "check", cli_check, "check [--online] [ENDPOINT…]",
	    "what is wrong with the configuration, and at the platforms",
	    "Says ok, warn or FAIL about each part of it. Exits 78 when there are mistakes: all of\n"
	    "them are told, with line and column. --online asks the platforms too: credentials, roles,\n"
	    "inboxes, who calls us, secrets, versions, clocks; it changes nothing, and exits 1 when\n"
	    "something is wrong. --json prints JSON Lines.\n" },
	{ "setup", cli_setup, "setup [--dry-run] [--print] [--rotate] [--test-message] [ENDPOINT…]",
	    "make or repair what the platforms need",
	    "Finds or makes inboxes, callbacks and subscriptions, and keeps what it made (ids, secrets)\n"
	    "in the store. Asks before each change, or takes --yes for it. --dry-run only says what\n"
	    "would be done; --print shows addresses and secrets to enter by hand; --rotate draws new\n"
	    "secrets, the old ones stay valid until the next time. Works with a running relay, or on\n"
	    "its store. --json prints JSON Lines.\n" },
	{ "explain", cli_explain,
	    "explain --endpoint NAME [--as hook|page|answer] [--headers FILE]…\n"
	    "           [--step STEP] [--conversation ID] [--status N] [--link OURS=THEIRS]… [--known ID]…\n"
	    "           [--now TIME] [--instance-key HEX] [BODY…]",
	    "what would happen with a callback, without doing it",
	    "Reads each BODY (- or none: stdin) as if they came one after the other, and prints\n"
	    "JSON Lines: what each is, which bridges take it, every request that would be made.\n"
	    "Touches neither network nor store. Nothing is linked but by --link, nothing was sent;\n"
	    "what an earlier BODY told counts as seen. Exits 1 when one was refused, 65 when one\n"
	    "could not be read.\n" },
	{ "options", cli_options, "options [--markdown] [PLATFORM]",
	    "every key of the configuration",
	    "What each may be, is when nothing is said, and means; with PLATFORM the keys of its\n"
	    "endpoints. --json and --markdown print the same for programs and manuals.\n" },
	{ "completion", cli_completion, "completion bash|zsh|fish",
	    "what a shell needs to complete commands",
	    "bash: . <(tieline completion bash). zsh: as _tieline in a folder of $fpath. fish: as\n"
	    "~/.config/fish/completions/tieline.fish.\n" },
	{ "status", cli_status, "status [--watch] [--exit-code]",
	    "what runs, what waits, what is wrong",
	    "Endpoints, bridges, what waits and is parked, and for each bad state what to do next.\n"
	    "An endpoint not heard of since the relay started is down, and its note says so.\n"
	    "Without a relay the first line is \"relay: not running\", and the rest is what its store\n"
	    "holds. --watch looks again every 2 s; --exit-code exits 1 unless all is well.\n" },
	{ "trace", cli_trace, "trace [--save DIR] ID", "one message's life",
	    "What it was, where it went, every attempt that did not succeed, what people did. ID: e812,\n"
	    "d1440, desk:40871 (what stands at=stored and at=settled in the log), or a platform's own\n"
	    "id. --save writes BODY and HEADERS of its callback as explain reads them, where that is kept\n"
	    "(retention.callbacks), or of one that could not be read (h77).\n" },
	{ "parked", cli_parked,
	    "parked [list] [--endpoint NAME] [--bridge NAME] [--reason REASON]\n"
	    "       tieline parked show ID\n"
	    "       tieline parked retry|drop ID…\n"
	    "       tieline parked retry|drop --all [--endpoint NAME] [--bridge NAME] [--reason REASON]\n"
	    "       tieline parked edit [--text-file FILE] ID",
	    "what waits for a person, and what to do with it",
	    "Deliveries (d1440) and callbacks that could not be read (h77). retry puts one back: what\n"
	    "may have left before is looked for there first. edit changes words that the platform\n"
	    "refused, in $EDITOR, and puts the message back. --all says how many and asks. Works on the\n"
	    "store where no relay runs. --json prints JSON Lines.\n" },
	{ "reconcile", cli_reconcile, "reconcile [--since TIME] [--dry-run] [BRIDGE…]",
	    "compare with the platforms now, and repair",
	    "Reads the conversations that changed since the last comparison (or TIME) at both ends, and\n"
	    "passes on what no callback announced. --dry-run only counts it, and exits 1 when\n"
	    "something is missing. The relay does the same by itself: see `reconcile` of an endpoint.\n" },
	{ "migrate", cli_migrate,
	    "migrate --from NAME --to NAME [--since TIME] [--until TIME]\n"
	    "       [--state open|closed|all] [--only WHO] [--limit N] [--no-media]\n"
	    "       [--dry-run | --verify] [--force] [--undo-list FILE]\n"
	    "       tieline migrate --file FILE --to NAME [--from NAME] [the same options]\n"
	    "       tieline migrate --links FILE [--dry-run]\n"
	    "       tieline migrate --resume ID",
	    "move what was said before to the other end of a bridge",
	    "All conversations of the customers' side (NAME), with all that was said in them, are written\n"
	    "at the agents' side, as history: nobody is notified. What is there already is passed. Ctrl-C\n"
	    "stops it, and the same command goes on; so does the relay itself after a restart. --dry-run\n"
	    "reads and counts. --file: what `tieline export` wrote is read instead of the platform.\n"
	    "--links: each line of FILE, `shop:CONVERSATION desk:CONVERSATION`, names two that belong together.\n"
	    "Exits 1 when something failed, or was refused.\n" },
	{ "export", cli_export, "export --endpoint NAME [--since TIME] [--only WHO] [-o DIR]",
	    "what was said at an endpoint, as JSON Lines",
	    "To stdout, or to DIR/NAME.jsonl: a line for each conversation, and behind it one for each\n"
	    "message. Files are named by their addresses, which may expire. The relay reads them, with what\n"
	    "live messages leave of the rate. The format is in docs/migration.md.\n" },
	{ "migrations", cli_migrations,
	    "migrations\n"
	    "       tieline migrations stop ID",
	    "what was moved, is being moved, and was stopped",
	    "stop begins no further conversation; `migrate --resume ID` goes on.\n" },
	{ "pause", cli_control, "pause NAME", "send nothing to an endpoint, or over a bridge",
	    "What is under way ends; callbacks are accepted and kept, and wait for resume, over\n"
	    "restarts as well. Exits 66 when there is no such name, 69 when no relay runs.\n" },
	{ "resume", cli_control, "resume NAME", "go on after pause or drain",
	    "Exits 66 when there is no such name, 69 when no relay runs.\n" },
	{ "drain", cli_control, "drain NAME", "send what is queued, and queue nothing new",
	    "New callbacks are accepted and kept, and go on their way with resume. Exits 66 when\n"
	    "there is no such name, 69 when no relay runs.\n" },
	{ "person", cli_person,
	    "person export [-o FILE] WHO\n"
	    "       tieline person erase [--dry-run] WHO",
	    "what is known of a person; erase it",
	    "WHO: an e-mail address, a +phone number, or endpoint:id. export prints one JSON document:\n"
	    "who they are at each side, and all of their messages that are kept. erase shows what there is\n"
	    "and asks (--yes answers): words, names, addresses, files and callbacks go, what waits is given\n"
	    "up, and a receipt is printed. Nothing changes at the platforms. Exits 66 when nobody is known\n"
	    "by that, 75 while something is on its way to them.\n" },
	{ "backup", cli_backup, "backup FILE", "a copy of the store, also while it is in use",
	    "FILE must not be there yet; only its owner may read it, since it holds secrets. It is on disk\n"
	    "when the command ends. To go back to it: stop the relay, put FILE in place of the store,\n"
	    "start. Exits 73 when FILE cannot be made, 74 when the disk is full.\n" },
	{ "reload", cli_reload, "reload", "read the configuration anew",
	    "All or nothing: with any mistake the running configuration stays, and the mistakes are\n"
	    "printed; exits 78 then, 69 when no relay runs. SIGHUP does the same. Adding, renaming and\n"
	    "taking out endpoints and bridges needs a restart.\n" },
	{ "health", cli_health, "health [--ready]", "whether the relay is alive",
	    "For container checks: exits 0 or 1 within 2 s, and needs no configuration. With --ready\n"
	    "also whether callbacks are accepted. A platform that is down makes neither of them fail.\n" },
	{ 0 },
};

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
