# Doorward in a container: built in one stage, run in another that has the program, the system's
# certificate authorities and nothing else. No secret is in any layer: mount the data folder.
#
#   docker build -t doorward .
#   docker run --rm -v doorward:/data doorward init --config /data/doorward.toml --data-dir /data
#   docker run -d --name doorward -p 127.0.0.1:4180:4180 -v doorward:/data \
#       --read-only --cap-drop ALL --security-opt no-new-privileges doorward
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked -p doorward --features vault,aws,gcp,keyring \
    && install -D -m 0755 target/dist/doorward /out/usr/local/bin/doorward \
    && install -d -m 0700 /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build --chown=nonroot:nonroot /out/ /
USER nonroot
VOLUME /data
WORKDIR /data
ENV DOORWARD_CONFIG=/data/doorward.toml DOORWARD_DATA_DIR=/data
EXPOSE 4180
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/doorward", "ready"]
ENTRYPOINT ["/usr/local/bin/doorward"]
CMD ["serve", "--listen", "0.0.0.0:4180"]
