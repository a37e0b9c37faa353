"""Options that several commands share, each declared once."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

AskedLanguage = Annotated[Optional[str], typer.Option("--language", metavar="zh|en", help="Default from the locale. 界面语言。")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output. 以 JSON 输出结果。")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error. 显示出错的调用栈。")]

Name = Annotated[str, typer.Argument(help="The project's folder. 项目文件夹。", metavar="NAME")]

# how a table is read
Encoding = Annotated[Optional[str], typer.Option(help="The file's encoding, where the guess is wrong. 文件编码。")]
Delimiter = Annotated[Optional[str], typer.Option(help="What separates the columns. 列的分隔符。")]
Sheet = Annotated[Optional[str], typer.Option(help="The sheet of a workbook. 工作簿中的工作表。")]
Query = Annotated[Optional[str], typer.Option(help="What a database is asked: a SELECT or a table. 数据库查询或表名。")]
