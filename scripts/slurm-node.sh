#!/usr/bin/env bash
# A Slurm cluster of one node on this machine, for tests: all of its state lies in one folder, the machine's own Slurm
# and its configuration are not touched, and everything is gone when the command ends.
#
#   scripts/slurm-node.sh COMMAND [ARGUMENT…]   runs a command in such a cluster, as root
#   scripts/slurm-node.sh --install             makes that possible where it is not: as root, Debian's packages
#                                               slurm-wlm and munge by apt-get; exit status 1 where they cannot be had
set -euo pipefail

commands=(sbatch squeue sinfo slurmctld slurmd munged)
lacking() { for command in "${commands[@]}"; do command -v "$command" >/dev/null || return 0; done; return 1; }
PATH="$PATH:/usr/sbin:/sbin"

install() {
  [ "$(id -u)" -eq 0 ] || { echo "$0: run as root: it starts slurmctld, slurmd and munged" >&2; return 1; }
  lacking || return 0
  command -v apt-get >/dev/null || { echo "$0: no Slurm and no apt-get to install it by" >&2; return 1; }
  local log
  log=$(mktemp)
  # The packages start daemons of their own where they can; ours have another configuration, and other ports.
  if ! { timeout 120 apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive timeout 400 apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    echo "$0: cannot install slurm-wlm and munge" >&2
    return 1
  fi
  rm -f "$log"
}

[ $# -gt 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
install || exit 1
[ "$1" != --install ] || exit 0

# munged wants its folders to be nobody else's to write; /run is root's.
root=$(mktemp -d /run/bdefects-slurm-XXXXXX)
chmod 755 "$root"
mkdir "$root/state" "$root/spool"
pids=()

stop() {
  status=$?
  trap - EXIT INT TERM
  # Jobs first: slurmd would leave them running.
  scancel --user="$(id -un)" 2>/dev/null || true
  for _ in $(seq 50); do
    [ -n "$(squeue --noheader 2>/dev/null || true)" ] || break
    sleep 0.1
  done
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" -ne 0 ] && [ -n "${BDEFECTS_SLURM_LOGS:-}" ]; then cp "$root"/*.log "$BDEFECTS_SLURM_LOGS"/ || true; fi
  rm -rf "$root"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Free ports, so that a second such cluster, or the machine's own, is not disturbed.
read -r ctld_port slurmd_port < <(node -e '
  const { createServer } = require("node:net");
  const servers = [0, 1].map(() => createServer().listen(0, "127.0.0.1"));
  setTimeout(() => { console.log(servers.map((s) => s.address().port).join(" ")); servers.forEach((s) => s.close()); }, 50);')

host=$(hostname -s)
cores=$(nproc)
memory=$(awk '/^MemTotal/ { print int($2 / 1024 * 0.95) }' /proc/meminfo)
dd if=/dev/urandom of="$root/munge.key" bs=1 count=1024 status=none
chmod 600 "$root/munge.key"

# No cgroups: in a container there may be none to be had. Processes are tracked by process group.
cat >"$root/slurm.conf" <<CONF
ClusterName=bdefects
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
AuthType=auth/munge
AuthInfo=socket=$root/munge.socket
CredType=cred/munge
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
export SLURM_CONF="$root/slurm.conf"

munged --foreground --key-file="$root/munge.key" --socket="$root/munge.socket" --pid-file="$root/munged.pid" \
  --log-file="$root/munged.log" --seed-file="$root/munged.seed" >"$root/munged.out.log" 2>&1 &
pids+=($!)
slurmctld -D -c -L "$root/slurmctld.log" >"$root/slurmctld.out.log" 2>&1 &
pids+=($!)
slurmd -D -c -L "$root/slurmd.log" >"$root/slurmd.out.log" 2>&1 &
pids+=($!)

for _ in $(seq 150); do
  state=$(sinfo --noheader --format=%T 2>/dev/null || true)
  [ "$state" = idle ] && break
  sleep 0.2
done
if [ "${state:-}" != idle ]; then
  echo "error: $0: the node does not come up (state '${state:-none}')" >&2
  tail -n 5 "$root"/*.log >&2
  exit 2
fi

"$@"
