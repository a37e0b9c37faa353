"""What `startlm compare` takes, each with its help in both languages: imported before any command is called, so nothing heavy stands here."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

Predictions = Annotated[list[str], typer.Argument(metavar="FILE", help="Predictions, one file a tool, two or more: A, B, C … 各工具的预测文件，两个或更多：A、B、C……")]
Truth = Annotated[str, typer.Option(help="The table with the true labels. 含真实标签的表。")]
Columns = Annotated[Optional[list[str]], typer.Option(help="The column of predictions: prediction, or the only one. Given once for all files, or once for each. 预测所在的列；给一次用于全部文件，或每个文件各给一次。")]
ColumnA = Annotated[Optional[str], typer.Option(help="That of A alone. 仅 A 的预测列。")]
ColumnB = Annotated[Optional[str], typer.Option(help="That of B alone. 仅 B 的预测列。")]
TrueLabel = Annotated[Optional[str], typer.Option(help="The column of true labels. 真实标签所在的列。")]
Against = Annotated[Optional[str], typer.Option(metavar="FILE", help="Compare each file with this one only. 只与这个文件比较。")]
By = Annotated[Optional[str], typer.Option(metavar="COLUMN", help="Compare in slices too: by a column of the truth, or by language or length of its text. 再分组比较：按真实标签表的一列，或按文本的 language、length。")]
SliceText = Annotated[Optional[str], typer.Option(metavar="COLUMN", help="The text of --by language and --by length. --by language、--by length 所用的文本列。")]
RowId = Annotated[Optional[str], typer.Option("--id", metavar="COLUMN", help="Match the rows by this column instead of by their order. 按这一列对应各行，而不按顺序。")]
Separator = Annotated[Optional[str], typer.Option(help="What stands between several labels of a cell; found where the truth shows it. 单元格里多个标签之间的分隔符；能看出来时不用写。")]
EmptyLabel = Annotated[Optional[str], typer.Option(metavar="unlabelled|none", help="What an empty cell of the truth means, of several labels: the row is left out, or has none. 有多个标签时，真实标签为空的含义：不参与比较，或一个标签也没有。")]
Order = Annotated[Optional[str], typer.Option(metavar='"A < B < C"', help="Labels from the lowest to the highest; found for stars and known scales. 标签从低到高的顺序；星级和常见等级词能自动看出。")]
ComparedAs = Annotated[Optional[str], typer.Option("--as", metavar="labels|numbers", help="What predictions are, where the guess is wrong. 预测是标签还是数字，猜错时指明。")]
