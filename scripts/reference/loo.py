"""Leave-one-out figures of ArviZ for the two eight-schools fits that come with it.

Writes tests/run/compare/loo.json: the log likelihoods as float32 in base64 (what ArviZ is given is
rounded to float32 first), elpd, p and Pareto k of each observation, and the comparison.
Needs: pip install "arviz<1".
"""
import base64, json, warnings
import arviz as az
import numpy as np

warnings.simplefilter("ignore")
out, rounded = {"arviz": az.__version__, "models": {}}, {}
for name in ("centered_eight", "non_centered_eight"):
    data = az.load_arviz_data(name)
    data.log_likelihood["obs"] = data.log_likelihood["obs"].astype("float32").astype("float64")
    rounded[name] = data
    ll = data.log_likelihood["obs"].values.reshape(2000, 8).T
    models = {"chains": 4, "draws": 500, "observations": 8}
    models["log_lik"] = base64.b64encode(np.ascontiguousarray(ll, "<f4").tobytes()).decode()
    for reff in (1.0, 0.5):
        loo = az.loo(data, pointwise=True, reff=reff)
        models[f"reff_{reff:g}"] = {
            "elpd": loo.elpd_loo, "se": loo.se, "p": loo.p_loo,
            "pointwise": loo.loo_i.values.tolist(), "pareto_k": loo.pareto_k.values.tolist(),
        }
    out["models"][name] = models
loos = {k: az.loo(v, pointwise=True, reff=1.0) for k, v in rounded.items()}
table = az.compare(loos, method="stacking")
out["compare"] = {
    name: {c: float(table.loc[name, c]) for c in ("elpd_diff", "dse", "weight")} for name in table.index
}
with open("tests/run/compare/loo.json", "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
