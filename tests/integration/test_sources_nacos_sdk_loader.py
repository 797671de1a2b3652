"""The SDK is loaded late, and without what costs half of it."""

import subprocess
import sys
import textwrap
from pathlib import Path


def exit_code_of(program: str) -> int:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=False, cwd=root, timeout=60
    ).returncode


def test_building_a_source_loads_no_sdk_and_starts_nothing(tmp_path: Path) -> None:
    program = f"""
        import sys, threading
        from pathlib import Path
        from app.config.nacos_config import build_nacos_connection
        from app.config.sources.nacos import NacosSource
        NacosSource(build_nacos_connection({{"host": "n", "data_id": "a"}}, {{}}), Path({str(tmp_path)!r}))
        assert not {{"v2", "grpc", "aiohttp"}} & sys.modules.keys(), "the SDK is loaded"
        assert threading.active_count() == 1
    """
    assert exit_code_of(program) == 0


def test_the_sdk_comes_without_its_key_management_client() -> None:
    program = """
        import sys
        from app.config.sources.nacos_sdk_loader import load_sdk
        assert load_sdk().SdkSession is load_sdk().SdkSession
        assert not any(name.startswith("alibabacloud") for name in sys.modules)
    """
    assert exit_code_of(program) == 0


def test_who_wants_key_management_gets_the_real_thing() -> None:
    program = """
        import sys
        from app.config.sources.nacos_sdk_loader import load_sdk
        load_sdk()
        from v2.nacos.common.client_config import KMSConfig
        from v2.nacos.config.filter import config_encryption_filter
        try:
            config_encryption_filter.KMSHandler(KMSConfig())
        except Exception as error:
            assert "stand_in" not in repr(error)
        assert "alibabacloud_kms20160120" in sys.modules
        from v2.nacos.config.encryption.kms_handler import KMSHandler
        assert isinstance(KMSHandler, type)
    """
    assert exit_code_of(program) == 0


def test_an_sdk_that_is_loaded_already_is_left_as_it_is() -> None:
    program = """
        import warnings
        warnings.simplefilter("ignore")
        import v2.nacos
        from v2.nacos.config.encryption import kms_handler
        from app.config.sources.nacos_sdk_loader import load_sdk
        load_sdk()
        from v2.nacos.config.encryption import kms_handler as after
        assert after is kms_handler
    """
    assert exit_code_of(program) == 0
