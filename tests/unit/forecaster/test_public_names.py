from __future__ import annotations

import subprocess
import sys

import pytest

import forecaster


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, forecaster; "
        "sys.exit(sorted({'pandas', 'scipy', 'statsmodels', 'numpy'} & set(sys.modules)) != [])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", forecaster.__all__)
def test_every_public_name_can_be_loaded(name):
    assert getattr(forecaster, name).__name__ == name


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="weather"):
        _ = forecaster.weather
