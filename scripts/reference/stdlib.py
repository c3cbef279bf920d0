"""Values of the examples in stdlib/*.ppl, by NumPy and SciPy alone. Prints `call: value` lines."""
import numpy as np
from scipy import stats
from scipy.special import gamma as gamma_fn, kv, ndtr, ndtri

values = {}


def matern(nu, r, a, l):
    """Rasmussen and Williams (2006), equation 4.14: by the Bessel function, not the closed form."""
    if r == 0:
        return a**2
    z = np.sqrt(2 * nu) * r / l
    return a**2 * 2 ** (1 - nu) / gamma_fn(nu) * z**nu * kv(nu, z)


v = values
v["gp.squared_exponential([0, 1.5], 2, 0.7, 0.1)[0, 1]"] = 4 * np.exp(-1.5**2 / (2 * 0.7**2))
v["gp.squared_exponential([0, 1.5], 2, 0.7, 0.1)[1, 1]"] = 4.1
v["gp.squared_exponential_between([0, 1], [0.5], 2, 0.7)[1, 0]"] = 4 * np.exp(-0.25 / 0.98)
v["gp.squared_exponential_ard([[0, 0], [1, 2]], 2, [1, 4], 0)[0, 1]"] = (
    4 * stats.multivariate_normal([0, 0], np.diag([1, 16])).pdf([1, 2]) * 2 * np.pi * 4
)
for name, nu in (("matern12", 0.5), ("matern32", 1.5), ("matern52", 2.5)):
    v[f"gp.{name}([0, 1.5], 2, 0.7, 0.1)[0, 1]"] = matern(nu, 1.5, 2, 0.7)
v["gp.matern12_between([0], [-1.5], 2, 0.7)[0, 0]"] = matern(0.5, 1.5, 2, 0.7)
v["gp.matern32_between([0, 1], [0.5], 2, 0.7)[0, 0]"] = matern(1.5, 0.5, 2, 0.7)
v["gp.matern52_between([0, 1], [0.5], 2, 0.7)[0, 0]"] = matern(2.5, 0.5, 2, 0.7)
v["gp.periodic([0, 1.5], 2, 0.7, 4, 0)[0, 1]"] = 4 * np.exp(-2 * np.sin(np.pi * 1.5 / 4) ** 2 / 0.49)
v["gp.periodic([0, 4], 2, 0.7, 4, 0)[0, 1]"] = 4.0
v["gp.periodic_between([0], [5.5], 2, 0.7, 4)[0, 0]"] = (
    4 * np.exp(-2 * np.sin(np.pi * 5.5 / 4) ** 2 / 0.49)
)
K, B = np.diag([2.0, 4.0]), np.ones((2, 1))
v["gp.conditional_mean([[2, 0], [0, 4]], [[1], [1]], [3, 8])[0]"] = (
    B.T @ np.linalg.inv(K) @ np.array([3, 8])
)[0]
v["gp.conditional_cov([[2, 0], [0, 4]], [[1], [1]], [[1]])[0, 0]"] = (
    1 - B.T @ np.linalg.inv(K) @ B
)[0, 0]
v["gp.plus_diagonal([[1, 2], [3, 4]], 0.5)[1, 1]"] = 4.5
v["gp.plus_diagonal([[1, 2], [3, 4]], 0.5)[0, 1]"] = 2.0
v["gp.matern32_at(0, 3)"] = matern(1.5, 0, 3, 1)
v["gp.matern52_at(0, 3)"] = matern(2.5, 0, 3, 1)

v["timeseries.lagged([1, 2, 4, 8], [0.5, 0.25], 3)"] = np.dot([0.5, 0.25], [4, 2])
v["timeseries.ar1_sd(0.6, 2)"] = np.sqrt(sum((2 * 0.6**k) ** 2 for k in range(200)))
v["timeseries.random_walk(10, [1, -2, 4])[2]"] = 13.0
v["timeseries.differences([1, 4, 9])[1]"] = np.diff([1, 4, 9])[1]
w = 2 * np.pi * 1.5 / 12
v["timeseries.seasonal(1.5, 12, [2, 0.5], [1, -1])"] = (
    2 * np.cos(w) + 0.5 * np.cos(2 * w) + np.sin(w) - np.sin(2 * w)
)
d = np.array([1, 2, 4, 3]) - 2.5
v["timeseries.autocorrelation([1, 2, 4, 3], 1)"] = np.correlate(d, d, "full")[4] / (d @ d)

v["glm.inv_probit(-1.5)"] = ndtr(-1.5)
v["glm.probit(0.9)"] = ndtri(0.9)
v["glm.inv_cloglog(-1.5)"] = stats.gumbel_l.cdf(-1.5)
v["glm.cloglog(0.9)"] = stats.gumbel_l.ppf(0.9)
v["glm.inv_cauchit(-1.5)"] = stats.cauchy.cdf(-1.5)
v["glm.cauchit(0.9)"] = stats.cauchy.ppf(0.9)
x = np.array([1, 2, 6])
v["glm.standardise([1, 2, 6])[2]"] = ((x - x.mean()) / x.std(ddof=1))[2]
v["glm.centre_columns([[1, 10], [3, 30]])[0, 1]"] = -10.0
f, y = np.array([1, 2.5, 3.5]), np.array([1, 2, 4])
v["glm.bayes_r2([1, 2, 4], [1, 2.5, 3.5])"] = f.var(ddof=1) / (f.var(ddof=1) + (y - f).var(ddof=1))

rate = -np.log(0.01) / 2
v["priors.pc_sd(2, 0.01).log_prob(0.5)"] = stats.expon(scale=1 / rate).logpdf(0.5)
v["priors.pc_sd(2, 0.01).cdf(2)"] = 0.99
v["priors.pc_sd_rate(2, 0.01)"] = rate
v["priors.gamma_by_mean(3, 1.5).log_prob(2)"] = stats.gamma(4, scale=1.5**2 / 3).logpdf(2)
v["priors.lognormal_within(10, 3).cdf(30)"] = 0.95
v["priors.lognormal_within(10, 3).cdf(10)"] = 0.5
v["priors.beta_by_mean(0.3, 10).log_prob(0.4)"] = stats.beta(3, 7).logpdf(0.4)
v["priors.horseshoe_global(3, 100, 2, 400)"] = 3 / 97 * 2 / 20
v["priors.horseshoe_scales(0.1, [1, 50], 2)[1]"] = 0.1 * np.sqrt(4 * 2500 / (4 + 0.01 * 2500))
v["priors.r2d2_scales(0.5, [0.2, 0.8], 3)[1]"] = 3 * np.sqrt(0.8)

p = 0.3 * stats.norm(-1, 1).pdf(0.5), 0.7 * stats.norm(2, 0.5).pdf(0.5)
v["mixtures.normals([0.3, 0.7], [-1, 2], [1, 0.5]).log_prob(0.5)"] = np.log(sum(p))
v["mixtures.poissons([0.3, 0.7], [1, 4]).log_prob(2)"] = np.log(
    0.3 * stats.poisson(1).pmf(2) + 0.7 * stats.poisson(4).pmf(2)
)
v["mixtures.normal_responsibilities(0.5, [0.3, 0.7], [-1, 2], [1, 0.5])[0]"] = p[0] / sum(p)

v["flows.start([0.5, 2])[1]"] = 2
v["flows.log_density([0, 0, 0.5])"] = 0.5 + 2 * stats.norm.logpdf(0)

for call, value in values.items():
    print(f"{call}: {float(value)!r}")
