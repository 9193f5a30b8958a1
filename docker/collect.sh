#!/bin/sh
# Gathers under ROOT all that PROGRAM needs to run there, and nothing else.
#
#   docker/collect.sh PROGRAM ROOT
set -eu
program=$1
root=$2

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/tieline" "$root/usr/share"
cp "$program" "$root/usr/bin/tieline"
strip "$root/usr/bin/tieline"

# "libx.so => /lib/…/libx.so (0x…)", and the loader, which stands alone: "/lib64/ld-… (0x…)".
ldd "$program" | awk '/not found/ { print "missing: " $1 > "/dev/stderr"; exit 1 }
	$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' > /tmp/libraries
while read -r library; do
	mkdir -p "$root$(dirname "$library")"
	cp -L "$library" "$root$library"
done < /tmp/libraries

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -a /usr/share/zoneinfo "$root/usr/share/"
# The same zones once more, without and with leap seconds: nobody asks for them here.
rm -rf "$root/usr/share/zoneinfo/posix" "$root/usr/share/zoneinfo/right"

echo 'tieline:x:10001:10001:tieline:/var/lib/tieline:/sbin/nologin' > "$root/etc/passwd"
echo 'tieline:x:10001:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

mkdir -p "$root/var/lib/tieline"
chown 10001:10001 "$root/var/lib/tieline"
chmod 0750 "$root/var/lib/tieline"
