"""`snakemake --executor spe`: every job in a box. The work is in `kimed_spe.executor`."""

import os

from snakemake_interface_executor_plugins.settings import CommonSettings

from kimed_spe.broker import ADDRESS
from kimed_spe.environments import demand_pins
from kimed_spe.executor import Executor

__all__ = ["Executor", "common_settings"]

common_settings = CommonSettings(
    non_local_exec=False,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_envvar_declarations_to_cmd=True,
    auto_deploy_default_storage_provider=False,
)

if os.environ.get(ADDRESS):
    # Inside the enclosure, also where no executor is made (--conda-create-envs-only).
    demand_pins()
