"""Calls in which NumPy gives a Tensor no say, so that its gradient would be lost: each raises, and says what to write.

Statements on the Tensors ``t`` of shape (3,) and ``M`` of shape (2, 2), the arrays ``a``, ``A`` and ``mask``; beside
each, the statements to write instead, which leave their result in ``y``.
"""

UNDISPATCHED = {
    "a[0] = t[0]": "a = ag.Tensor(a); a[0] = t[0]; y = a",
    "a += t": "y = a + t",
    "y = np.array([t, t])": "y = np.stack([t, t])",
    "y = np.asarray(t)": "y = t",
    "y = np.asarray_chkfinite(t)": "y = t",
    "y = np.ascontiguousarray(t)": "y = t",
    "y = np.array(t)": "y = t.copy()",
    "y = np.full(2, t[0])": "y = np.broadcast_to(t[0], 2)",
    "y = np.r_[t, a]": "y = np.concatenate([t, a])",
    "y = np.c_[t, a]": "y = np.stack([t, a], 1)",
    "y = np.ma.array(t, mask=mask)": "y = np.where(mask, 0, t)",
    "y = np.fromiter(t, float)": "y = t",
    "y = np.pad(a, 1, constant_values=t[0])": "y = np.pad(ag.Tensor(a), 1, constant_values=t[0])",
    "y = A.dot(t)": "y = np.dot(A, t)",
    "y = a.clip(0, t[0])": "y = np.clip(a, 0, t[0])",
    "y = np.vectorize(math.sin)(t)": "y = np.sin(t)",
    "y = math.sin(t[0])": "y = np.sin(t[0])",
    "y = cmath.sqrt(t[0])": "y = np.lib.scimath.sqrt(t[0])",
    "y = float(t[0])": "y = t[0]",
    "y = np.kaiser(3, t[0])": "y = np.i0(t[0] * np.sqrt(1 - np.linspace(-1, 1, 3) ** 2)) / np.i0(t[0])",
    "y = np.polynomial.polynomial.polyval(2.0, t)": "y = np.polyval(t[::-1], 2.0)",
    "y = np.polynomial.Polynomial(t)(2.0)": "y = np.polyval(t[::-1], 2.0)",
    "y = rng.normal(t, 1.0)": "y = t + rng.normal(size=t.shape)",
    "y = rng.permutation(t)": "y = t[rng.permutation(len(t))]",
    "np.copyto(a, t)": "a = ag.Tensor(a); np.copyto(a, t); y = a",
    "np.add.at(a, [0, 0, 1], t)": "a = ag.Tensor(a); np.add.at(a, [0, 0, 1], t); y = a",
    "np.exp(t, out=a)": "y = np.exp(t)",
    "y = scipy.linalg.expm(M)": "y = ag.scipy.linalg.expm(M)",
    "y = scipy.special.logsumexp(t)": "y = ag.scipy.special.logsumexp(t)",
}
