#!/usr/bin/env bash
# Build the S3 server of the tests, versitygw, into .tools/bin; once, some minutes. Needs Go 1.25 or later.
# On another version the first test of tests/integration/test_object_store.py must pass: before 1.8.0 its conditional
# PUT had several winners.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=v1.8.0
binary=.tools/bin/versitygw
mkdir -p .tools/bin
exec 9>.tools/lock
flock 9 # of two test runs one builds
if [ ! -x "$binary" ] || ! go version -m "$binary" | grep -q "versitygw[[:space:]]$version"; then
    GOBIN="$PWD/.tools/bin" go install "github.com/versity/versitygw/cmd/versitygw@$version"
fi
