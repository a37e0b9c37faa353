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

# of label
Unlabelled = Annotated[Optional[str], typer.Option(help="The table to label; once is enough. 要标注的表；只需给一次。")]
Read = Annotated[Optional[str], typer.Option(help="The column to read. 要看的列。")]
Doubts = Annotated[Optional[str], typer.Option(help="Look through doubted labels instead: a file like label_errors.csv. 改为查看可疑标签的文件。", metavar="FILE")]
Who = Annotated[Optional[str], typer.Option(help="Your name: a second one is asked for second opinions. 你的名字：第二个人会先复标一部分。")]

# of predict
Texts = Annotated[Optional[list[str]], typer.Option(help="Answer this text. 回答这段文字。")]
Output = Annotated[Optional[str], typer.Option("--output", "-o", help="Where to write; the suffix chooses the format. 写到哪里。")]
Confidences = Annotated[bool, typer.Option("--confidences", help="One column a label. 每个标签一列。")]
Neighbours = Annotated[Optional[int], typer.Option("--neighbours", help="So many training rows nearest to each text, as evidence. 每段文字最接近的几条训练数据，作为依据。", metavar="N")]
ForExcel = Annotated[bool, typer.Option("--for-excel", help="A BOM, and no cell begins like a formula. 供 Excel 打开。")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file. 覆盖已有文件。")]

# of search
Sought = Annotated[str, typer.Argument(help='What to search for, in quotes: "where is my card". 要搜索的内容，加引号。', metavar="QUERY")]
Searched = Annotated[Optional[str], typer.Option(help="The column to search; else the project's first text column. 要搜索的列。")]
Top = Annotated[int, typer.Option(help="How many to show. 显示多少条。")]
Weights = Annotated[Optional[str], typer.Option(help='By meaning too, with these weights: a package, a folder; "none": by words alone. 也按意思搜索所用的权重；none 表示只按词。')]
