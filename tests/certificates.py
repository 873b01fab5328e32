"""certificates.py - a key and a certificate for 127.0.0.1, made by the test that needs them.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess


def make(folder, name="node"):
    """Paths of a certificate that signs itself and its key."""
    cert, key = pathlib.Path(folder, f"{name}.crt"), pathlib.Path(folder, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-keyout", str(key),
                    "-out", str(cert), "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost"], check=True,
                   capture_output=True, timeout=60)
    return str(cert), str(key)
