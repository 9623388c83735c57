#!/usr/bin/env python3
"""Writes the documents that the gateway's tests read: gateway/tests/fixtures/documents.

Needs reportlab, python-docx, openpyxl, pillow and the DejaVu fonts. The values in them are the project's test values, not
anybody's. Run it only to change a fixture: the files are committed.
"""

import datetime
import io
import pathlib
import sys
import zipfile

import docx
import openpyxl
from docx.enum.style import WD_STYLE_TYPE
from PIL import Image
from reportlab.lib.pagesizes import A5
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

OUT = pathlib.Path(__file__).parent.parent / "gateway/tests/fixtures/documents"
DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
IIN = "901123300258"
CLEAN = ["The meeting is on Monday.", "Please bring the printed agenda."]
IMAGE = Image.new("RGB", (8, 8), (200, 30, 30))


def pdf(name, lines, font="Helvetica", draw=None, **options):
    page = canvas.Canvas(str(OUT / name), pagesize=A5, invariant=1, **options)
    page.setFont(font, 11)
    for number, line in enumerate(lines):
        page.drawString(40, 540 - 18 * number, line)
    if draw:
        draw(page)
    page.save()


def pdfs():
    pdfmetrics.registerFont(TTFont("DejaVu", DEJAVU))
    pdf("clean.pdf", CLEAN)
    pdf("iin.pdf", [*CLEAN, f"IIN {IIN}"], pageCompression=1)
    pdf("cyrillic_clean.pdf", ["Встреча назначена на понедельник.", "Кездесу дүйсенбіде өтеді."], "DejaVu")
    pdf("cyrillic.pdf", ["Клиенттің ЖСН нөмірі:", "9011 2330 0258", "адрес почты a.b@mail.kz"], "DejaVu")
    pdf("image.pdf", CLEAN, draw=lambda page: page.drawImage(ImageReader(IMAGE), 40, 400, 80, 80))
    pdf("inline_image.pdf", CLEAN, draw=lambda page: page.drawInlineImage(IMAGE, 40, 400, 80, 80))
    pdf("encrypted.pdf", [*CLEAN, f"IIN {IIN}"], encrypt=StandardEncryption("", ownerPassword="owner"))

    def pieces(page):
        # As word processors draw: a value in pieces, labels before values.
        for y, label in ((480, "IIN"), (460, "Sum")):
            page.drawString(40, y, label)
        page.drawString(90, 460, "12")
        x = 90
        for piece in (IIN[:5], IIN[5:6], IIN[6:]):
            page.drawString(x, 480, piece)
            x += page.stringWidth(piece)

    pdf("pieces.pdf", CLEAN, draw=pieces)

    def form(page):
        page.acroForm.textfield(name="iin", tooltip="IIN", value=IIN, x=40, y=400, width=200, fillColor=None)

    pdf("form.pdf", CLEAN, draw=form)

    def outline(page):
        shape = page.beginPath()
        for step in range(100):
            shape.moveTo(40 + step, 300)
            shape.curveTo(41 + step, 310, 42 + step, 310, 43 + step, 300)
        page.drawPath(shape)

    pdf("outlined.pdf", CLEAN, draw=outline)


def save(document, name):
    """With the same time stamps always."""
    whole = io.BytesIO()
    document.save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(OUT / name, "w") as target:
        for part in source.infolist():
            info = zipfile.ZipInfo(part.filename, (2024, 1, 1, 0, 0, 0))
            target.writestr(info, source.read(part), zipfile.ZIP_DEFLATED, 9)


def without_template(document):
    """Without the picture of a first page and the styles that the library's template brings along."""
    for part in (document.part, document.part.package):
        for name, relation in list(part.rels.items()):
            if relation.reltype.endswith(("/thumbnail", "/stylesWithEffects")):
                part.rels.pop(name)
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name != "Normal Table":
            style.delete()
    return document


def docx_files():
    def plain():
        document = without_template(docx.Document())
        document.core_properties.author = ""
        for line in CLEAN:
            document.add_paragraph(line)
        return document

    save(plain(), "clean.docx")

    document = plain()
    paragraph = document.add_paragraph("ИИН ")
    for piece in (IIN[:3], IIN[3:7], IIN[7:]):
        paragraph.add_run(piece).bold = len(piece) == 4
    save(document, "runs.docx")

    document = plain()
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "ЖСН", "900000000000"
    save(document, "table.docx")

    document = plain()
    data = io.BytesIO()
    IMAGE.save(data, "PNG")
    data.seek(0)
    document.add_picture(data)
    save(document, "image.docx")

    document = plain()
    document.add_comment(document.paragraphs[0].runs, text=f"ИИН {IIN}", author="reviewer")
    save(document, "comment.docx")

    document = plain()
    document.sections[0].header.paragraphs[0].text = f"IIN {IIN}"
    save(document, "header.docx")


def xlsx_files():
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["ИИН", "Дата рождения", "Сумма"])
    sheet.append([900000000000, datetime.date(1990, 11, 23), 12.5])
    save(book, "iin.xlsx")

    book = openpyxl.Workbook()
    book.active.append(["Товар", "Цена"])
    book.active.append(["Стул", 12500])
    save(book, "clean.xlsx")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    pdfs()
    docx_files()
    xlsx_files()
    sys.exit(any(path.stat().st_size > 30_000 for path in OUT.iterdir()))
