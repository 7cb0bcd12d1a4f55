"""Configuration of Sphinx, for `make docs`. Neither the build nor the built pages use a network."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

from toolkit import __version__

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_extensions"))

# --- the notebooks -------------------------------------------------------------------------------
# Sphinx reads only its own folder, so they are copied into it (git ignores the copies).
_notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
for _copy in (DOCS / "notebooks").glob("*.ipynb"):
    if _copy.name not in {each.name for each in _notebooks}:
        _copy.unlink()
for _notebook in _notebooks:
    _copy = DOCS / "notebooks" / _notebook.name
    if not _copy.exists() or _copy.read_bytes() != _notebook.read_bytes():
        shutil.copyfile(_notebook, _copy)

# Their kernels use none of this user's settings, and leave nothing behind.
_scratch = tempfile.mkdtemp(prefix="toolkit-docs-")
_owner = os.getpid()  # processes that Sphinx forks leave the folder to this one
atexit.register(lambda: os.getpid() == _owner and shutil.rmtree(_scratch, ignore_errors=True))
for _name in list(os.environ):
    if _name.startswith(("TOOLKIT", "JUPYTER", "IPYTHON", "MPL", "XDG_")):
        del os.environ[_name]
for _name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
    os.environ[_name] = str(Path(_scratch, _name.lower()))
for _name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
    os.environ[_name] = str(Path(_scratch, _name.lower()))
_profile = Path(os.environ["IPYTHONDIR"], "profile_default")
_profile.mkdir(parents=True)
# A kernel warns that it listens without encryption; it listens on this machine only.
(_profile / "ipython_kernel_config.py").write_text("get_config().Application.log_level = 40\n", "utf-8")
os.environ["TOOLKIT_JOURNAL"] = str(Path(_scratch, "journal"))
os.environ["TOOLKIT_ACCOUNTS"] = str(Path(_scratch, "accounts"))
os.environ["TOOLKIT_RATE_LIMITS"] = str(Path(_scratch, "rate-limits"))

# Outputs depend on the toolkit as much as on the notebook, so each version of it has a cache of its own.
_sources = hashlib.sha256()
for _source in sorted((ROOT / "toolkit").rglob("*.py")):
    _sources.update(_source.read_bytes())

nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "executed" / _sources.hexdigest()[:16])
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
# There is no kernel behind a page: a panel is shown as the picture that it stores beside its widget.
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js = {}

# --- the project ---------------------------------------------------------------------------------
project = "Binance Link Toolkit"
author = "the toolkit's authors"
copyright = author
version = release = __version__
html_title = project

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_design",
    "names",
    "reference",
]
exclude_patterns = ["_build", "_extensions"]
nitpicky = True
needs_sphinx = "8.1"

# --- Markdown ------------------------------------------------------------------------------------
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_url_schemes = ["http", "https"]

# --- docstrings ----------------------------------------------------------------------------------
default_role = "literal"  # `x` in a docstring is code, as in Markdown; `names` makes a link of it
autodoc_typehints_format = "short"
autodoc_type_aliases = {  # described in reference/types.md instead of written out in each signature
    "Amount": "toolkit.types.Amount",
    "Emails": "toolkit.types.Emails",
    "Host": "toolkit.types.Host",
    "Numbers": "toolkit.types.Numbers",
    "Security": "toolkit.types.Security",
    "When": "toolkit.types.When",
}
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
add_module_names = False

# --- the pages -----------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": project, "image_light": "_static/mark.svg", "image_dark": "_static/mark.svg"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": [],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "getting-started": [], "release-notes": []}


def setup(app: Sphinx) -> None:
    """Create the folder that the theme copies the logo to, also if the build fails before Sphinx does."""
    Path(app.outdir, "_static").mkdir(parents=True, exist_ok=True)
