"""Links from names in code to the reference, so that no text has to say where each is described."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature, pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

# What stands for an object in our texts, and where its members are described.
_OBJECTS = {
    "link.": "toolkit.Link.",
    "ops.": "toolkit.writes.Operations.",
    "outcome.": "toolkit.writes.Outcome.",
    "demo.": "toolkit.demo.DemoLink.",
}


class _Index:
    """Finds what a name in a text or a signature stands for."""

    def __init__(self, env: BuildEnvironment) -> None:
        self.objects = env.domains.python_domain.objects
        self._modules = env.domains.python_domain.modules
        self._by_last_word: dict[str, list[str]] = {}
        for name, found in self.objects.items():
            if not found.aliased:
                self._by_last_word.setdefault(name.rpartition(".")[2], []).append(name)

    def find(self, text: str) -> str | None:
        """The full name of the object that is meant, None where there is none, or more than one."""
        text = text.removeprefix("~").removesuffix("()").partition("(")[0]
        candidates = [text, f"link.{text}"]
        if f"toolkit.{text}" not in self._modules:  # `link` is an object in our texts, not a module
            candidates.append(f"toolkit.{text}")
        for short, full in _OBJECTS.items():
            if text.startswith(short):
                candidates.append(full + text.removeprefix(short))
        found = next((each for each in candidates if each in self.objects), None)
        if found is None and (text.startswith("toolkit.") or text[:1].isupper()):
            alike = self._by_last_word.get(text.rpartition(".")[2], [])
            found = alike[0] if len(alike) == 1 else None
        return found


class CodeLinks(SphinxPostTransform):
    """Makes a link of inline code that names something in the reference."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Look at each piece of inline code on a page."""
        index = _Index(self.env)
        for literal in list(self.document.findall(nodes.literal)):
            if _is_within(literal, nodes.reference, pending_xref, nodes.title) or "\n" in literal.astext():
                continue
            name = index.find(literal.astext())
            if name is None:
                continue
            found = index.objects[name]
            link = make_refnode(
                self.app.builder, self.env.docname, found.docname, found.node_id, literal.deepcopy(), name
            )
            literal.replace_self(link)


def _is_within(node: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Find a type of a signature or an error of a docstring, which are named without their module."""
    if node.get("refdomain") != "py":
        return None
    index = _Index(env)
    name = index.find(node["reftarget"])
    if name is not None:
        found = index.objects[name]
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content, name)
    # What a signature names is there, in a package of others or inside of ours. Texts may be wrong.
    return content if _is_within(node, desc_signature) else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_post_transform(CodeLinks)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
