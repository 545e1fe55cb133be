# The volume manager in a container.
#
#   docker build -t aloelite .
#   docker run -p 127.0.0.1:8080:8080 -v aloelite:/data aloelite
#
# Volumes over HTTP need nothing more. For volumes as directories of other
# containers see compose.yaml.

FROM docker.io/denoland/deno:debian-2.9.6 AS build
WORKDIR /src
COPY . .
RUN deno task page && deno task compile --output /usr/local/bin/aloelite

FROM docker.io/library/debian:trixie-slim
# fuse3 brings libfuse3 and fusermount3; curl asks for the health.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates curl fuse3 tini \
  && rm -rf /var/lib/apt/lists/* \
  && echo user_allow_other >> /etc/fuse.conf \
  && useradd --uid 1000 --user-group --no-create-home --shell /usr/sbin/nologin aloelite \
  && install --directory --owner aloelite --group aloelite --mode 0711 /data
COPY --from=build /usr/local/bin/aloelite /usr/local/bin/aloelite
USER aloelite
VOLUME /data
EXPOSE 8080
# Open requests end and mounts are written back before it is killed.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["curl", "--fail", "--silent", "--show-error", "http://127.0.0.1:8080/health"]
# Somebody has to reap the processes of mounts whose manager has gone.
ENTRYPOINT ["tini", "--", "aloelite"]
CMD ["serve", "--root", "/data", "--host", "0.0.0.0", "--port", "8080"]
