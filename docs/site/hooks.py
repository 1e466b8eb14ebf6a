"""What the site needs beside mkdocs.yml: patterns in the navigation, and links to what is not a page."""

import posixpath
import re
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[#)])")


def on_files(files, config):
    """Puts in the place of a pattern the pages that nothing else names."""
    pages = sorted(page.src_uri for page in files.documentation_pages())
    left = set(pages) - set(re.findall(r"[\w./-]+", str(config.nav)))

    def expand(entries):
        for entry in entries:
            if isinstance(entry, dict):
                yield {title: list(expand(inner)) if isinstance(inner, list) else inner for title, inner in entry.items()}
            elif "*" in entry:
                found = [page for page in pages if page in left and matches(page, entry)]
                left.difference_update(found)
                yield from found
            else:
                yield entry

    config.nav = list(expand(config.nav))


def matches(page, pattern):
    return page.count("/") == pattern.count("/") and fnmatchcase(page, pattern)


def on_page_markdown(markdown, page, config, files):
    """Leads links that GitHub follows to its own pages, where the site has none."""

    def lead(link):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), link[1]))
        target = ROOT / path
        if files.get_file_from_path(path) or not target.exists():  # or a broken link, which the build reports
            return link[1]
        if files.get_file_from_path(path + "/README.md"):
            return link[1] + "/README.md"
        return f"{config.repo_url}/{'tree' if target.is_dir() else 'blob'}/main/{path}"

    return LINK.sub(lead, markdown)
