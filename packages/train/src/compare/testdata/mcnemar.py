"""Makes mcnemar.json: statsmodels' p-values. Needs python3-statsmodels. Run: python3 mcnemar.py"""
import json
import pathlib
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar

PAIRS = [(0, 0), (1, 0), (3, 9), (10, 10), (0, 12), (40, 22), (480, 520), (700, 610), (2000, 1900)]
rows = []
for first, second in PAIRS:
    exact = first + second <= 1000
    p = mcnemar([[50, first], [second, 30]], exact=exact, correction=True).pvalue
    rows.append({"onlyFirst": first, "onlySecond": second, "pValue": float(p), "method": "exact" if exact else "chi-squared"})
out = {"statsmodels": statsmodels.__version__, "rows": rows}
pathlib.Path(__file__).with_name("mcnemar.json").write_text(json.dumps(out) + "\n")
