"""A letter on paper as a Word document: its list numbered by Word, in two columns, and notes at the end."""

import base64
import io
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_BREAK
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Mm, Pt

from letter.paper import Paper
from letter.text import Node


def docx(paper: Paper) -> bytes:
    """The letter as a .docx file (ISO/IEC 29500)."""
    writer = _Writer(paper)
    writer.write()
    buffer = io.BytesIO()
    writer.document.save(buffer)
    return _without_times(buffer)


def _without_times(package: io.BytesIO) -> bytes:
    """The file without the moments at which its parts were packed: the same words are the same bytes."""
    buffer = io.BytesIO()
    with ZipFile(package) as packed, ZipFile(buffer, "w", ZIP_DEFLATED) as anew:
        for part in packed.infolist():
            anew.writestr(ZipInfo(part.filename), packed.read(part), ZIP_DEFLATED)
    return buffer.getvalue()


class _Writer:
    """Writes one document; keeps what its notes say until they are printed at the end."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.document = Document()
        self.notes: dict[int, list[Node | str]] = {}
        about = self.document.core_properties
        about.title, about.language = paper["title"], paper["language"]
        about.author = about.comments = ""  # else the library's own
        about.created = about.modified = datetime.fromtimestamp(paper["published_at"], UTC)
        self.document.styles["Normal"].font.size = Pt(11)
        page = self.document.sections[0]
        page.page_width, page.page_height = Cm(21), Cm(29.7)

    def write(self) -> None:
        paper = self.paper
        self._logo()
        self._line(paper["letterhead"])
        self._line(paper["title"], style="Title")
        self._line(paper["date_words"])
        if paper["addressee"]:
            self._lines(paper["addressee"])
        self._line(paper["salutation"])
        for block in paper["blocks"]:
            self._block(block)
        self._line(paper["closing_line"])
        self._line(paper["heading"], style="Heading 1")
        if paper["marks"]:
            self._lines(paper["marks"])
        self._list()
        if self.notes:
            self._line(paper["notes_heading"], style="Heading 1")
            # A note may refer to one that comes after it.
            for number in range(1, len(self.notes) + 1):
                self._note(number)
        self._lines([paper["edition_line"], f"{paper['live']} {paper['url']}"])
        self._lines([paper["digest_words"], paper["digest"]])
        if paper["direction"] == "rtl":
            for section in self.document.sections:
                # The first column is on the right.
                section._sectPr.find(qn("w:docGrid")).addprevious(OxmlElement("w:bidi"))

    def _logo(self) -> None:
        logo = self.paper["logo"]
        if logo is None:
            return
        picture = (
            self._paragraph(None)
            .add_run()
            .add_picture(
                io.BytesIO(base64.b64decode(logo["png"])),
                width=min(Mm(80), Mm(18) * logo["width"] // logo["height"]),
            )
        )
        # What a screen reader says in its place.
        picture._inline.docPr.set("descr", logo["description"])

    def _list(self) -> None:
        """The list in two columns, which need a section of their own."""
        if not self.paper["groups"]:
            self._line(self.paper["empty"])
            return
        section = self.document.add_section(WD_SECTION.CONTINUOUS)
        columns = section._sectPr.find(qn("w:cols"))
        columns.set(qn("w:num"), "2")
        first = self._paragraph("List Number")
        run = first.add_run(" ")
        run.font.size = Pt(9)
        # Arabic and Hebrew have a size of their own, in half points.
        complex_size = OxmlElement("w:szCs")
        complex_size.set(qn("w:val"), "18")
        run._r.rPr.append(complex_size)
        self._direct(run)
        # The number is as large as the paragraph's own mark.
        first._p.get_or_add_pPr().append(deepcopy(run._r.rPr))
        for group in self.paper["groups"]:
            if group["country"]:
                first._p.addprevious(self._line(group["country"], style="Heading 2")._p)
            # A copy of the element costs a twentieth of looking up the style each time.
            for line in group["lines"]:
                copy = deepcopy(first._p)
                copy.r_lst[0].text = line
                first._p.addprevious(copy)
        first._p.getparent().remove(first._p)
        after = self.document.add_section(WD_SECTION.CONTINUOUS)
        after._sectPr.find(qn("w:cols")).set(qn("w:num"), "1")

    def _note(self, number: int) -> None:
        blocks = self.notes[number]
        paragraph = self._paragraph(None)
        self._run(paragraph, f"{number} ").font.superscript = True
        for at, block in enumerate(blocks):
            if at:
                paragraph = self._paragraph(None)
            if not isinstance(block, str):
                self._inline(paragraph, block["of"])

    def _block(self, block: Node | str, style: str | None = None, indent: int = 0) -> None:
        if isinstance(block, str):
            self._line(block)
            return
        kind = block["kind"]
        if kind in {"items", "numbered"}:
            numbers = range(block.get("start", 1), block.get("start", 1) + len(block["of"]))
            for number, item in zip(numbers, block["of"], strict=True):
                mark = f"{number}. " if kind == "numbered" else "• "
                self._item(item, mark, indent + 1)
        elif kind == "quote":
            for inner in block["of"]:
                self._block(inner, "Quote", indent)
        else:
            if kind == "heading":
                style = f"Heading {block['level']}"
            paragraph = self._paragraph(style, indent)
            self._inline(paragraph, ["* * *"] if kind == "rule" else block["of"])

    def _item(self, item: Node | str, mark: str, indent: int) -> None:
        """An item of a list in the text; its mark is written out, for Word would number all lists as one."""
        blocks = [] if isinstance(item, str) else item["of"]
        first, rest = blocks[:1], blocks[1:]
        paragraph = self._paragraph(None, indent)
        self._run(paragraph, mark)
        for block in first:
            if not isinstance(block, str) and block["kind"] == "paragraph":
                self._inline(paragraph, block["of"])
            else:
                self._block(block, None, indent)
        for block in rest:
            self._block(block, None, indent)

    def _inline(self, paragraph: Any, nodes: Iterable[Node | str], **fonts: bool) -> None:
        for node in nodes:
            if isinstance(node, str):
                run = self._run(paragraph, node)
                for name, value in fonts.items():
                    setattr(run.font, name, value)
                    if name in {"bold", "italic"}:
                        # Arabic and Hebrew have one of their own.
                        setattr(run.font, f"cs_{name}", value)
                continue
            match node["kind"]:
                case "strong":
                    self._inline(paragraph, node["of"], **{**fonts, "bold": True})
                case "emphasis":
                    self._inline(paragraph, node["of"], **{**fonts, "italic": True})
                case "break":
                    paragraph.add_run().add_break(WD_BREAK.LINE)
                case "note" | "note_again":
                    self.notes.setdefault(node["number"], node["of"])
                    self._run(paragraph, str(node["number"])).font.superscript = True
                    self._remember(node["of"])
                case "link":
                    self._link(paragraph, node, fonts)
                case _:
                    self._inline(paragraph, node["of"], **fonts)

    def _remember(self, nodes: Iterable[Node | str]) -> None:
        """Notes within notes, so that all of them are printed."""
        for node in nodes:
            if not isinstance(node, str):
                if node["kind"] == "note":
                    self.notes.setdefault(node["number"], node["of"])
                self._remember(node["of"])

    def _link(self, paragraph: Any, node: Node, fonts: dict[str, bool]) -> None:
        before = len(paragraph._p)
        self._inline(paragraph, node["of"], **{**fonts, "underline": True})
        link = OxmlElement("w:hyperlink")
        target = paragraph.part.relate_to(
            node["href"], RELATIONSHIP_TYPE.HYPERLINK, is_external=True
        )
        link.set(qn("r:id"), target)
        for run in paragraph._p[before:]:
            link.append(run)
        paragraph._p.append(link)

    def _line(self, text: str, style: str | None = None) -> Any:
        paragraph = self._paragraph(style)
        self._run(paragraph, text)
        return paragraph

    def _lines(self, lines: list[str]) -> None:
        paragraph = self._paragraph(None)
        for at, line in enumerate(lines):
            if at:
                paragraph.add_run().add_break(WD_BREAK.LINE)
            self._run(paragraph, line)

    def _paragraph(self, style: str | None, indent: int = 0) -> Any:
        paragraph = self.document.add_paragraph(style=style)
        # In this order: the schema wants the direction before the indent, which finds its place by itself.
        if self.paper["direction"] == "rtl":
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
        if indent:
            paragraph.paragraph_format.left_indent = Cm(0.6 * indent)
        return paragraph

    def _run(self, paragraph: Any, text: str) -> Any:
        run = paragraph.add_run(text)
        self._direct(run)
        return run

    def _direct(self, run: Any) -> None:
        if self.paper["direction"] == "rtl":
            run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))
