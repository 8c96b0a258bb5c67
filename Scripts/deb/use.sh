#!/usr/bin/env bash
# What Scripts/check-deb.sh does in the bare root: installs /root/saker.deb, uses it, removes it.
# usage: use.sh VERSION
set -euo pipefail
version=$1

fail() { echo "check-deb: $*" >&2; exit 1; }
started=$(date +%s.%N)
passed() { printf '%6.1f s  %s\n' "$(awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')" "$*"; }
quietly() { "$@" >/root/log 2>&1 || { tail -n 20 /root/log >&2; fail "failed: $*"; }; }
# As somebody who is not root, from a folder that may not be written to.
as_user() { (cd / && runuser -u somebody -- env HOME=/home/somebody "$@"); }
data=/usr/share/saker/Saker_SakerData.resources

! command -v swift >/dev/null || fail "expected no Swift here"
quietly apt-get update -qq
passed "package lists"
dpkg-query -W -f '${Package}\n' | sort >/root/packages
quietly apt-get install -y /root/saker.deb
passed "apt-get install ./saker_${version}_$(dpkg --print-architecture).deb: $(dpkg-query -W -f '${Installed-Size}' saker) KiB of it, $(
  dpkg-query -W -f '${Package}\n' | sort | comm -13 /root/packages - | grep -vc '^saker$') packages with it, $(
  dpkg-query -W -f '${Package} ${Installed-Size}\n' | sort | join -v 1 - /root/packages | awk '$1 != "saker" { k += $2 } END { print k }') KiB"
quietly useradd -m somebody

line=$(as_user saker --version)
[[ $line =~ ^saker\ ${version//./\\.}\ \(commit\ ([0-9a-f]{12}\+?|unknown),\ (portable|avx2|avx512|amx|neon)\)$ ]] \
  || fail "saker --version: expected version, commit and instructions, got '$line'"
passed "saker --version: $line"

as_user saker doctor >/root/doctor || { cat /root/doctor >&2; fail "saker doctor"; }
[ "$(grep -c '^ok ' /root/doctor)" -ge 6 ] || { cat /root/doctor >&2; fail "saker doctor: expected six checks"; }
# Through a symbolic link, in a language that the program has no words of.
ln -s /usr/bin/saker /home/somebody/linked
as_user env LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 /home/somebody/linked doctor | grep -q '^ok   data: 72 ' \
  || fail "expected the embedded data to be found through a symbolic link"
passed "saker doctor, also through a symbolic link"

as_user saker train --epochs 1 --train-split val --val-split none --out /home/somebody/run >/root/log 2>&1 \
  || { tail -n 20 /root/log >&2; fail "saker train"; }
[ -s /home/somebody/run/weights/last.safetensors ] || fail "saker train: expected weights/last.safetensors"
passed "saker train, one epoch"
as_user saker predict --weights /home/somebody/run/weights/last.safetensors --out /home/somebody/found \
  "$(find $data/bccd/JPEGImages -name '*.jpg' | sort | head -1)" >/root/log 2>&1 \
  || { tail -n 20 /root/log >&2; fail "saker predict"; }
[ "$(find /home/somebody/found -name '*.jpg' | wc -l)" = 1 ] || fail "saker predict: expected a drawn image"
passed "saker predict"
as_user saker train --task classify --epochs 1 --out /home/somebody/clothes >/root/log 2>&1 \
  || { tail -n 20 /root/log >&2; fail "saker train --task classify"; }
passed "saker train --task classify, one epoch"

quietly apt-get install -y --no-install-recommends man-db bash-completion zsh fish
for page in saker saker-train saker-data-split; do
  # minbase leaves manual pages in place; man formats them.
  man "$page" 2>/root/log | grep -q '^NAME' || { cat /root/log >&2; fail "man $page"; }
done
[ ! -s /root/log ] || fail "man: $(cat /root/log)"
bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader saker; complete -p saker' >/dev/null 2>&1 \
  || bash -c '. /usr/share/bash-completion/bash_completion; _comp_load saker; complete -p saker' >/dev/null \
  || fail "bash: no completion"
zsh -fc 'autoload -U compinit; compinit -u -d /root/.zcompdump; (( $+_comps[saker] ))' || fail "zsh: no completion"
fish -c 'complete -C "saker tr"' | grep -q '^train' || fail "fish: no completion"
passed "manual pages; completions of bash, zsh and fish"

dpkg -L saker | while read -r path; do [ -d "$path" ] || echo "$path"; done >/root/files
quietly apt-get remove -y saker
while read -r path; do [ ! -e "$path" ] || fail "left after removal: $path"; done </root/files
for folder in $data /usr/share/saker /usr/share/doc/saker; do [ ! -e "$folder" ] || fail "left after removal: $folder"; done
! dpkg-query -W saker >/dev/null 2>&1 || [ -z "$(dpkg-query -W -f '${Conffiles}' saker)" ] || fail "settings are left"
passed "apt-get remove leaves nothing of $(wc -l </root/files) files"
