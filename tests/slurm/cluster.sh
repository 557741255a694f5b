#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, with a pretended GPU: for the tests, started as root.
#
#   tests/slurm/cluster.sh start FOLDER
#   tests/slurm/cluster.sh stop FOLDER
set -euo pipefail

folder=$(realpath -m "${2:?folder for its configuration, state and logs}")

stop() {
    for name in slurmd slurmctld munged; do
        [ -f "$folder/$name.pid" ] && kill "$(cat "$folder/$name.pid")" 2>/dev/null || true
    done
    for _ in $(seq 30); do # its ports are free again
        compgen -G "$folder/*.pid" > /dev/null || return 0
        sleep 1
    done
}

start() {
    mkdir -p "$folder"/{state,spool}
    chmod 755 "$folder"
    memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    # A job that is queued again waits until its old credential has expired.
    # Ports below the ephemeral range, in which another program may happen to listen.
    cat > "$folder/slurm.conf" <<EOF
ClusterName=tests
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=17817
SlurmdPort=17818
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_interval=1
GresTypes=gpu
ReturnToService=2
KillWait=5
MinJobAge=3600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
MailProg=/bin/true
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=tests Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF

    echo "NodeName=$(hostname -s) Name=gpu File=/dev/null" > "$folder/gres.conf"
    dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
    chmod 400 "$folder/munge.key"
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
        --seed-file="$folder/munge.seed"
    # Not by SLURM_CONF: the executor plugin removes all SLURM variables from a job's environment.
    mkdir -p /etc/slurm
    ln -sf "$folder"/{slurm,gres}.conf /etc/slurm/
    slurmctld
    slurmd
    for _ in $(seq 60); do
        if sinfo --noheader --format=%t 2>/dev/null | grep -qx idle; then
            return
        fi
        sleep 1
    done
    echo "no node became idle; see $folder/*.log" >&2
    stop
    exit 1
}

case $1 in
    start) start ;;
    stop) stop ;;
    *) echo "start or stop" >&2; exit 2 ;;
esac
