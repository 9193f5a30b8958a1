#!/usr/bin/env bash
# Sees to it that the image debian:bookworm-slim is there to build from: as it is, by a
# pull, or, where no registry can be reached, made by debootstrap from the package mirror this
# machine uses. Root only.
#
#   docker/base.sh
set -euo pipefail
image=debian:bookworm-slim
store=(--storage-driver vfs)

if podman "${store[@]}" image exists "$image"; then
	exit 0
fi
if timeout 120 podman "${store[@]}" pull -q "$image" > /dev/null 2>&1; then
	exit 0
fi

echo "base: no registry can be reached; making $image with debootstrap" >&2
root=$(mktemp -d)
chmod 0755 "$root"   # it becomes the root folder of the image
trap 'rm -rf "$root"' EXIT
mirror=$(apt-get indextargets --format '$(CODENAME) $(SITE)' 'Created-By: Packages' \
    | awk '$1 == "bookworm" { print $2; exit }')
# Without one, debootstrap knows where Debian is.
if ! debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} > "$root.log" 2>&1; then
	tail -n 20 "$root.log" >&2
	echo "base: debootstrap failed" >&2
	exit 1
fi
rm -f "$root.log"

# Packages come from where this machine gets them, in the way it does (proxy, checks of dates).
for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
	[ ! -s "$file" ] || cp "$file" "$root$file"
done
if [ -s /etc/apt/sources.list.d/debian.sources ] && [ ! -s /etc/apt/sources.list ]; then
	rm -f "$root/etc/apt/sources.list"
fi
{ grep -l '^Acquire::' /etc/apt/apt.conf.d/* || true; } | while read -r file; do
	cp "$file" "$root/etc/apt/apt.conf.d/"
done
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*

tar -C "$root" -c . | podman "${store[@]}" import - "$image" > /dev/null
