#!/usr/bin/env bash
# A graphics card in software, for tests: SwiftShader's Vulkan, taken out of Debian's package chromium-common into a
# folder of its own. Nothing is installed and the machine's own drivers are not touched. (Mesa's lavapipe lacks a feature
# that WebGPU needs.)
#
#   scripts/swiftshader.sh COMMAND [ARGUMENT…]   runs a command with SwiftShader as the only Vulkan device
#   scripts/swiftshader.sh --install             fetches it where it is not there yet, by apt-get; exit status 1 where
#                                                it cannot be had
set -euo pipefail

root="${XDG_CACHE_HOME:-$HOME/.cache}/bdefects4nn/swiftshader"
library="$root/usr/lib/chromium"

install() {
  [ ! -e "$library/libvk_swiftshader.so" ] || return 0
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "$0: no apt-get to fetch chromium-common by" >&2; return 1; }
  local work
  work=$(mktemp -d)
  # As root the lists are brought up to date first; others take the machine's.
  if ! (cd "$work" &&
    { [ "$(id -u)" -ne 0 ] || timeout 120 apt-get update -qq; } &&
    timeout 400 apt-get download -qq chromium-common &&
    dpkg-deb -x chromium-common_*.deb tree) >"$work/log" 2>&1 || [ ! -e "$work/tree/usr/lib/chromium/libvk_swiftshader.so" ]; then
    tail -n 3 "$work/log" >&2
    echo "$0: cannot get SwiftShader out of chromium-common" >&2
    rm -rf "$work"
    return 1
  fi
  mkdir -p "$library"
  # The library last: its presence says that all is there.
  (cd "$work/tree/usr/lib/chromium" && cp libvulkan.so.1 vk_swiftshader_icd.json libvk_swiftshader.so "$library")
  rm -rf "$work"
}

[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
install || exit 1
[ "$1" != --install ] || exit 0

# Two names: before and since version 1.3.207 of the Vulkan loader.
export VK_ICD_FILENAMES="$library/vk_swiftshader_icd.json" VK_DRIVER_FILES="$library/vk_swiftshader_icd.json"
export LD_LIBRARY_PATH="$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# Where the tests are run by this, a device must open.
export BDEFECTS_WEBGPU="${BDEFECTS_WEBGPU:-1}"
exec "$@"
