#!/bin/sh
# Unpack Debian's (or Ubuntu's) ffmpeg with the libraries that this machine lacks into a folder, and install nothing:
# a second ffmpeg for the tests, in a place where no other program finds it.
# Usage: sh tools/debian-ffmpeg.sh FOLDER, as root; then VSDEOLDIFY_OTHER_FFMPEG=FOLDER/ffmpeg
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if ! [ -x "$folder/ffmpeg" ]; then
    mkdir -p "$folder/packages/partial" "$folder/unpacked"
    fetch() {
        apt-get install --quiet --yes --no-install-recommends --download-only \
            --option Dir::Cache::archives="$folder/packages" ffmpeg
    }
    # What is known of packages may be old, or nothing.
    fetch || { apt-get update --quiet && fetch; }
    for package in "$folder"/packages/*.deb; do
        dpkg-deb --extract "$package" "$folder/unpacked"
    done
    rm -r "$folder/packages"
    # Some lie in folders of their own, where links that an installation makes would lead to.
    libraries=$(find "$folder/unpacked" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd :)
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s/unpacked/usr/bin/ffmpeg" "$@"\n' "$libraries" "$folder" >"$folder/ffmpeg"
    chmod +x "$folder/ffmpeg"
fi
"$folder/ffmpeg" -version | head -n 1
