#!/bin/bash
# run.sh - TLS against plain TCP, unix sockets and UDP, with and without handshakes.
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

if ! command -v openssl >/dev/null; then
	echo "run.sh: the program openssl makes the certificate, and is not there" >&2
	exit 3
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
	-keyout node.key -out node.crt -subj /CN=node -addext subjectAltName=IP:127.0.0.1 \
	2>openssl.log || { cat openssl.log >&2; exit 1; }

sweep tls
exit "$status"
