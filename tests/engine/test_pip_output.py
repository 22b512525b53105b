import pytest

from blender_vfi.engine.pip_output import PipNews, describe_failure, lacks_distribution, read_line

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("Collecting numpy==2.4.6 (from -r r.txt (line 7))", PipNews(text="Looking for numpy")),
        (
            "  Downloading https://host/whl/cu130/torch-2.13.0%2Bcu130-cp311-win.whl (780.4 MB)",
            PipNews(
                text="Downloading torch",
                filename="torch-2.13.0+cu130-cp311-win.whl",
                total_bytes=780_400_000,
            ),
        ),
        (
            "Downloading fsspec-2026.9.0-py3-none-any.whl (203 kB)",
            PipNews(
                text="Downloading fsspec",
                filename="fsspec-2026.9.0-py3-none-any.whl",
                total_bytes=203_000,
            ),
        ),
        (
            "  Downloading sympy-1.14.0-py3-none-any.whl.metadata (12 kB)",
            PipNews(text="Looking for sympy"),
        ),
        (
            "Processing /opt/wheels/torch-2.13.0+cpu-cp311-linux.whl",
            PipNews(text="Unpacking torch"),
        ),
        (
            "Installing collected packages: torch",
            PipNews(text="Installing torch", is_installing=True),
        ),
        (
            "Installing collected packages: a, b, c",
            PipNews(text="Installing 3 packages", is_installing=True),
        ),
        ("Looking in indexes: https://pypi.org/simple", None),
        ("", None),
    ],
)
def test_a_line_of_pip_s_is_put_into_words(line, news):
    assert read_line(line) == news


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("WARNING: Retrying after NewConnectionError('...')", "index cannot be reached"),
        ("NewConnectionError: HTTPSConnection(host='a.org', port=443)", "at a.org cannot be"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("HINT: ... since this system does not have Windows Long Path support", "LongPathsEnabled"),
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", "has torch==2.13.0+cpu"),
        ("ERROR: something else", "choose My Python"),
    ],
)
def test_a_failure_says_what_to_do_and_what_pip_said(line, advice):
    message = describe_failure(["Collecting torch", line])
    assert advice in message
    assert message.endswith(line)


def test_a_network_that_is_down_is_not_taken_for_a_package_that_is_missing():
    lines = [
        "WARNING: Retrying ... NewConnectionError",
        "ERROR: No matching distribution found for torch==2.13.0+cpu",
    ]
    assert not lacks_distribution(lines)
    assert lacks_distribution(lines[1:])
    assert "cannot be reached" in describe_failure(lines)
