# Built by "npm run image", which makes rootfs.tar out of package-lock.json and src (docs/deploy/image.md).
# No default: a base is given by its digest, and "npm run image" refuses one that is not.
ARG BASE

FROM ${BASE} AS filled
# Extracted with the owners, modes and times of the archive: the same archive gives the same layer.
ADD rootfs.tar /
# Compiled code may be kept where /tmp can be written; nothing is lost where it cannot.
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production UMBRA_CACHE_DIR=/tmp/umbra
USER 65532:65532
WORKDIR /umbra

# Proof that Node starts on this base, as the user it will run as, and that every module of the program is there.
FROM filled AS proof
LABEL umbra.stage=proof
RUN ["node", "/umbra/src/cli/umbra.mjs", "--version"]

FROM filled
EXPOSE 8080
# All that is ever written. Fargate gives a volume to root alone unless the image says whose its path is.
VOLUME ["/var/lib/umbra", "/tmp"]
# Whether it answers. Whether it takes part in copying is another question: GET /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "/umbra/src/cli/umbra.mjs", "health"]
ENTRYPOINT ["node", "/umbra/src/cli/umbra.mjs"]
CMD ["worker", "--config-env", "UMBRA_WORKER_CONFIG"]
