"""The sample company: Qingshan Tea 青山茶铺, a bilingual tea shop made from a seed, with its faults listed in one place.

>>> from startlm.sample.company import new_messages
>>> len(new_messages())
6
"""
