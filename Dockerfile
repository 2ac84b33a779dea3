# luciole serve as an image: docker build -t luciole . && docker run -p 8080:8080 -e LUCIOLE_SERVER_INSECURE=true luciole
# Debian 13 has the JDK 21 that both stages need. The build runs the README's command; the image has what it made, and no more.
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-21-jdk-headless ca-certificates curl gcc libc6-dev unzip
COPY . /luciole
WORKDIR /luciole
RUN ./luciole --version

FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-21-jre-headless libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home luciole \
 && install -d -o luciole /cache /index
COPY --from=build /luciole/cli/target/luciole/lib /opt/luciole/lib
USER 10001
# /cache has models, pulled or of the user's, and libraries that are unpacked; /index is the index.
ENV LUCIOLE_CACHE=/cache \
    LUCIOLE_SERVER_INDEX=/index \
    LUCIOLE_SERVER_HOST=0.0.0.0 \
    LUCIOLE_SERVER_LOG_FORMAT=json \
    LC_ALL=C.UTF-8
VOLUME ["/cache", "/index"]
EXPOSE 8080
ENTRYPOINT ["java", "-Xlog:disable", "-XX:MaxRAMPercentage=50", "-XX:MaxGCPauseMillis=40", "-XX:+ExitOnOutOfMemoryError", \
  "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", \
  "-cp", "/opt/luciole/lib/*", "io.luciole.cli.Main"]
CMD ["serve"]
