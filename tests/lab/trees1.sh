#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.1
# lab: --cgroup v1 --add tests/lab/trees.sh
# The same VMs on cgroup v1, and on v1 with v2 beside it.
exec ./trees.sh
