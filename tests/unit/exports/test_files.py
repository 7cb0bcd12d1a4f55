"""What is written beside a file, what is refused when it is read, and files that cannot be written."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import toolkit
from tests.unit.exports.frames import FORMATS
from toolkit.errors import ExportError, ProvenanceError, UsageError
from toolkit.exports import formats, provenance
from toolkit.exports.atomic import provenance_path

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and limits of POSIX")


def frame(number: int = 0, rows: int = 3) -> pd.DataFrame:
    result = pd.DataFrame({"id": pd.array([f"{number}-{row}" for row in range(rows)], dtype="string")})
    result.attrs = {"number": number}
    return result


def stated(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(provenance_path(path).read_bytes())
    return result


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# -- what is written ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_provenance_says_where_rows_come_from(
    shared_link: toolkit.Link, tmp_path: Path, suffix: str
) -> None:
    rebates = shared_link.spot.rebates(start="-2D", numbers="exact")
    path = toolkit.export(rebates, tmp_path / f"rows.{suffix}")
    found = stated(path)
    assert names(tmp_path) == [path.name, f"{path.name}.provenance.json"]
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["bytes"] == path.stat().st_size
    assert (found["kind"], found["format"], found["version"]) == (suffix, 1, toolkit.__version__)
    if suffix == "xlsx":  # it may have several frames
        (found,) = found["sheets"].values()
    assert found["rows"] == len(rebates)
    assert found["span"] == rebates.attrs["parameters"]
    assert list(found["span"]) == ["start", "end"]
    assert found["columns"][0] == {"name": "customer_id", "dtype": "string"}
    assert [each["name"] for each in found["columns"]] == list(rebates.columns)
    assert found["attrs"] == rebates.attrs
    assert {"endpoint", "source", "account", "parameters", "fetched_at", "server_time", "complete"} <= set(
        found["attrs"]
    )


def test_the_provenance_is_in_parquet_and_feather_files_too(tmp_path: Path) -> None:
    from pyarrow import feather, parquet

    expected = provenance(frame())
    for suffix, read in (("parquet", parquet.read_table), ("feather", feather.read_table)):
        path = toolkit.export(frame(), tmp_path / f"rows.{suffix}")
        inside = json.loads(read(path).schema.metadata[formats.METADATA_KEY])
        assert inside == {"kind": suffix, **expected}


# -- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=40)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_changed_byte_is_refused(suffix: str, place: float, bit: int) -> None:
    path = _kept(suffix)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[int(place * len(whole))] ^= 1 << bit
    path.write_bytes(changed)
    try:
        with pytest.raises(
            ProvenanceError, match=r"was changed after it was exported.*unverified: (pandas|a spreadsheet)"
        ):
            toolkit.read(path)
    finally:
        path.write_bytes(whole)
    assert len(toolkit.read(path)) == 3


_folders: dict[str, Path] = {}


@pytest.fixture(autouse=True, scope="module")
def _exported(tmp_path_factory: pytest.TempPathFactory) -> None:
    for suffix in FORMATS:
        _folders[suffix] = toolkit.export(frame(), tmp_path_factory.mktemp("kept") / f"rows.{suffix}")


def _kept(suffix: str) -> Path:
    return _folders[suffix]


def test_longer_and_shorter_files_are_refused(tmp_path: Path) -> None:
    path = toolkit.export(frame(), tmp_path / "rows.csv")
    whole = path.read_bytes()
    for changed in (whole + b"\n", whole[:-1], b""):
        path.write_bytes(changed)
        with pytest.raises(ProvenanceError, match="was changed"):
            toolkit.read(path)


def test_a_file_of_another_export_is_refused(tmp_path: Path) -> None:
    one, other = (toolkit.export(frame(n), tmp_path / f"{n}.parquet") for n in (1, 2))
    one.replace(other)
    with pytest.raises(ProvenanceError, match=r"2\.parquet was changed"):
        toolkit.read(other)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_without_provenance_is_refused(tmp_path: Path, suffix: str) -> None:
    path = toolkit.export(frame(), tmp_path / f"rows.{suffix}")
    provenance_path(path).unlink()
    with pytest.raises(
        ProvenanceError,
        match=r"rows\.\w+\.provenance\.json is missing.*read the file with (pandas|a spreadsheet)",
    ):
        toolkit.read(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = toolkit.export(frame(), tmp_path / "rows.csv")
    provenance_path(path).write_text(json.dumps({**stated(path), "format": 2}))
    with pytest.raises(ProvenanceError, match="a newer version wrote it, so use that version"):
        toolkit.read(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_changed_provenance_is_refused(tmp_path: Path, suffix: str) -> None:
    path = toolkit.export(frame(), tmp_path / f"rows.{suffix}")
    before = stated(path)
    for key in before:
        rest = {name: value for name, value in before.items() if name != key}
        for changed in (rest, {**before, key: "other"}, {**before, key: [0]}):
            provenance_path(path).write_text(json.dumps(changed))
            with pytest.raises(ProvenanceError):
                toolkit.read(path)
    for text in ("", "{", "[]", "null", "\ud800"):
        provenance_path(path).write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(ProvenanceError, match="damaged"):
            toolkit.read(path)


def test_what_is_no_path_is_refused(tmp_path: Path) -> None:
    for path, reason in (
        ("rows", "must be one of .parquet, .feather"),
        ("rows.parqet", r'Did you mean "\.parquet"'),
        (3, "must be a path"),
    ):
        for call in (toolkit.read, lambda each: toolkit.export(frame(), each)):
            with pytest.raises(UsageError, match=reason):
                call(path)  # type: ignore[operator]
    with pytest.raises(UsageError, match="There is no file"):
        toolkit.read(tmp_path / "rows.csv")
    with pytest.raises(UsageError, match="There is no folder"):
        toolkit.export(frame(), tmp_path / "none" / "rows.csv")
    (tmp_path / "rows.csv").mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        toolkit.export(frame(), tmp_path / "rows.csv")


def test_what_is_no_frame_is_refused(tmp_path: Path) -> None:
    for given_, reason in (
        (frame()["id"], "to_frame"),
        ([frame()], "must be a DataFrame"),
        ({"one": frame()}, r"\.xlsx file alone"),
    ):
        with pytest.raises(UsageError, match=reason):
            toolkit.export(given_, tmp_path / "rows.csv")  # type: ignore[arg-type]
    for options, reason in (
        ({"guard": True}, "is for .csv"),
        ({"emails": "hidden"}, "emails"),
    ):
        with pytest.raises(UsageError, match=reason):
            toolkit.export(frame(), tmp_path / "rows.parquet", **options)  # type: ignore[arg-type]
    assert names(tmp_path) == []


# -- replacing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_export_replaces_both_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    for number in range(3):
        toolkit.export(frame(number), path)
        assert toolkit.read(path).attrs == {"number": number}
        assert "before" not in stated(path)
    assert names(tmp_path) == [path.name, f"{path.name}.provenance.json"]


def test_a_file_is_not_replaced_where_it_must_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toolkit.export(frame(1), tmp_path / "rows.csv", overwrite=False)
    with pytest.raises(UsageError, match=r"exists already.*overwrite=True"):
        toolkit.export(frame(2), path, overwrite=False)
    # Also if it appears while the new one is written.
    monkeypatch.setattr("toolkit.exports.writing.check_target", lambda *_, **__: None)
    with pytest.raises(UsageError, match="exists already"):
        toolkit.export(frame(2), path, overwrite=False)
    assert toolkit.read(path).attrs == {"number": 1}
    assert names(tmp_path) == ["rows.csv", "rows.csv.provenance.json"]


def test_several_threads_leave_one_of_their_pairs(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"

    def work(number: int) -> None:
        for _ in range(5):
            toolkit.export(frame(number), path)
            toolkit.read(path)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    problems: list[object] = []
    hook, threading.excepthook = threading.excepthook, lambda each: problems.append(each.exc_value)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        threading.excepthook = hook
    assert problems == []
    assert toolkit.read(path).attrs["number"] in range(4)
    assert names(tmp_path) == ["rows.csv", "rows.csv.provenance.json"]


@posix
def test_modes_follow_the_umask_and_old_files_keep_theirs(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = toolkit.export(frame(), tmp_path / "rows.csv")
        files = [path, provenance_path(path)]
        assert [each.stat().st_mode & 0o777 for each in files] == [0o640, 0o640]
        for each in files:
            each.chmod(0o600)
        toolkit.export(frame(1), path)
        assert [each.stat().st_mode & 0o777 for each in files] == [0o600, 0o600]
    finally:
        os.umask(before)


@posix
def test_a_link_leads_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "rows.csv"
    link.symlink_to(tmp_path / "elsewhere" / "kept.csv")
    path = toolkit.export(frame(), link)
    assert link.is_symlink()
    assert path == tmp_path / "elsewhere" / "kept.csv"
    assert toolkit.read(link).attrs == toolkit.read(path).attrs == {"number": 0}


# -- what cannot be written -----------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, suffix: str, limit: int) -> None:
    """With these limits, the first write fails, that of the provenance, or one in the middle of the rows."""
    import resource

    path = toolkit.export(frame(1), tmp_path / f"rows.{suffix}")
    before = path.read_bytes(), provenance_path(path).read_bytes()
    new = frame(2, rows=3 if limit < 1000 else 100_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(
            ExportError, match=rf"rows\.{suffix} was not written: .*it is as it was"
        ) as caught:
            toolkit.export(new, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value.__cause__, OSError)
    assert (path.read_bytes(), provenance_path(path).read_bytes()) == before
    assert names(tmp_path) == [path.name, f"{path.name}.provenance.json"]
    assert toolkit.read(path).attrs == {"number": 1}


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toolkit.export(frame(1), tmp_path / "rows.csv")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("toolkit.exports.text_formats.csv_rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        toolkit.export(frame(2), path)
    assert toolkit.read(path).attrs == {"number": 1}
    assert names(tmp_path) == ["rows.csv", "rows.csv.provenance.json"]
