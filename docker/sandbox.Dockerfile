# From the root of the source tree:  docker build -f docker/sandbox.Dockerfile -t tieline-sandbox .
# Both platforms as the tests play them, to try the relay against. Not for anything else.

FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-aiohttp \
 && rm -rf /var/lib/apt/lists/*
COPY tests/sandbox /usr/lib/tieline-sandbox
USER 10002:10002
EXPOSE 8471 8472 8473
ENTRYPOINT ["python3", "-B", "/usr/lib/tieline-sandbox/sandbox.py"]
CMD ["--host", "0.0.0.0", \
     "--smartify-port", "8471", "--chatwoot-port", "8472", "--control-port", "8473", \
     "--smartify-hook", "http://tieline:8480/hooks/shop/sandbox-shop-hook-key", \
     "--smartify-secret", "sandbox-smartify-secret", \
     "--chatwoot-hook", "http://tieline:8480/hooks/desk/sandbox-desk-hook-key", \
     "--chatwoot-secret", "sandbox-chatwoot-secret-24"]
