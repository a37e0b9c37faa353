"""Search: which rows of a text column a query is about. One way of ranking a file, their fusion, and the index on disk that holds them.

A member ranks all rows of a column for one query: `search(query, most)` gives the best of them, exactly, ties by row. It is stored as a State.
"""

RANKINGS = {
    "bm25": "startlm.search.bm25:Bm25",
    "vectors": "startlm.search.vectors:Vectors",
}
