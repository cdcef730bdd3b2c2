#!/usr/bin/env bash
# A single Apache Kafka on loopback, for tests and laptops. Needs java (17 or later) and, the first time, mvn.
#
#   kafka.sh start DIR   make the data folder if need be, start, wait until it answers
#   kafka.sh ready DIR   tell whether it runs
#   kafka.sh stop DIR    stop it and wait for its end
#   kafka.sh wipe DIR    stop it and forget its topics
#
# KAFKA_PORT (19092), KAFKA_CONTROLLER_PORT (19093), KAFKA_HEAP (512m), KAFKA_LIBS (libs/ beside this file).
# KAFKA_SECURE=1 adds SASL_SSL at KAFKA_SASL_PORT (19094) and SSL with client certificates at KAFKA_SSL_PORT (19095);
# DIR/tls/server.pem (key, then certificate) and DIR/tls/ca.pem must be there, and the first start makes the user of
# KAFKA_SCRAM_USER and KAFKA_SCRAM_PASSWORD.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
LIBS=${KAFKA_LIBS:-$HERE/libs}
PORT=${KAFKA_PORT:-19092}
CONTROLLER_PORT=${KAFKA_CONTROLLER_PORT:-19093}

fail() { echo "$1" >&2; exit 1; }

# Not kill -0: it takes a zombie for alive.
alive() { [ -f "$DIR/pid" ] && grep -qs '^State:.[^ZX]' "/proc/$(cat "$DIR/pid")/status"; }

stop() {
    alive || { rm -f "$DIR/pid"; return 0; }
    local pid
    pid=$(cat "$DIR/pid")
    kill "$pid"
    for _ in $(seq 150); do alive || break; sleep 0.2; done
    if alive; then kill -9 "$pid"; fi
    rm -f "$DIR/pid"
}

fetch() {
    # Two that start at once: the second waits for the first one's jars.
    exec 8>"$LIBS.lock"
    flock 8
    if [ ! -f "$LIBS/.done" ]; then
        command -v mvn >/dev/null || fail "The jars of Kafka are not in $LIBS and there is no mvn to fetch them: install maven."
        mvn -B -q -ntp -f "$HERE/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$LIBS" >&2
        touch "$LIBS/.done"
    fi
    exec 8>&-
}

format() {
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c1-21)
    java "${JAVA[@]}" kafka.tools.StorageTool format --standalone -t "A$id" -c "$DIR/server.properties" \
        ${KAFKA_SCRAM_USER:+--add-scram "SCRAM-SHA-512=[name=$KAFKA_SCRAM_USER,password=$KAFKA_SCRAM_PASSWORD]"} \
        >"$DIR/format.log" 2>&1 || { tail -20 "$DIR/format.log" >&2; exit 1; }
}

start() {
    alive && { echo "already running"; exit 0; }
    command -v java >/dev/null || fail "There is no java: install default-jre-headless."
    # A second broker on a live folder damages it; java inherits the lock and holds it until it is gone.
    exec 9>"$DIR/lock"
    flock -w 15 9 || fail "A broker still runs on $DIR: stop it."
    fetch
    JAVA=(-Djava.io.tmpdir="$DIR/tmp" -XX:-UsePerfData -Djava.awt.headless=true
        -Dlog4j2.configurationFile="file:$HERE/log4j2.properties" -cp "$LIBS/*")
    sed -e "s#@DIR@#$DIR#" -e "s#@PORT@#$PORT#" -e "s#@CONTROLLER_PORT@#$CONTROLLER_PORT#" \
        -e "s#@SASL_PORT@#${KAFKA_SASL_PORT:-19094}#" -e "s#@SSL_PORT@#${KAFKA_SSL_PORT:-19095}#" \
        "$HERE/server.properties" ${KAFKA_SECURE:+"$HERE/secure.properties"} >"$DIR/server.properties"
    [ -f "$DIR/data/meta.properties" ] || format
    setsid nohup java -Xms128m -Xmx"${KAFKA_HEAP:-512m}" -XX:+UseG1GC "${JAVA[@]}" kafka.Kafka \
        "$DIR/server.properties" >"$DIR/broker.log" 2>&1 </dev/null &
    echo $! >"$DIR/pid"
    for _ in $(seq 240); do
        if grep -qs 'Kafka Server started' "$DIR/broker.log"; then echo "ready on 127.0.0.1:$PORT"; exit 0; fi
        alive || { grep -m3 -E 'Caused by|Exception' "$DIR/broker.log" >&2; tail -5 "$DIR/broker.log" >&2; exit 1; }
        sleep 0.25
    done
    fail "Kafka was not ready within 60 s: see $DIR/broker.log."
}

[ $# -eq 2 ] || fail "usage: kafka.sh start|ready|stop|wipe DIR"
mkdir -p "$2/tmp"
DIR=$(cd "$2" && pwd)
case $1 in
    start) start ;;
    ready) alive && grep -q 'Kafka Server started' "$DIR/broker.log" || fail "no broker runs on $DIR" ;;
    stop) stop ;;
    wipe) stop; rm -rf "$DIR/data" "$DIR/tmp" ;;
    *) fail "usage: kafka.sh start|ready|stop|wipe DIR" ;;
esac
