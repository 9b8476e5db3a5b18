# %% [markdown]
# # A tour in three minutes
#
# This lesson is already solved. It shows how the course works: you write a function, a check tells you whether it is
# right, and when it is wrong it tries to tell you *what* is wrong. See that once on purpose, and you will trust it.
#
# **1. Run it.** In the directory that `nanograd start` made:
#
# ```text
# nanograd check 00
# ```
#
# It says PASS. The check called your function with numbers of its own, some of which you cannot see, and compared.
#
# **2. Break it.** The function below computes how far predictions are from their targets: the mean of the squared
# differences. Change `.mean()` to `.sum()`, save, and check again. It says FAIL, and then:
#
# - the call it made, and the shapes that went in;
# - what your function returned, beside what was expected;
# - the likely cause. It knows this mistake, because it has seen what this mistake returns.
#
# **3. Break it differently.** Forget the `** 2`. Or take `abs(...)` in its place. Each mistake has its own name. Then
# invent one that nobody thought of: the check still says FAIL, and does not pretend to know why.
#
# **4. Repair it.** Write `.mean()` again, and check.

# %%
import numpy as np


# %%
def mean_squared_error(prediction: np.ndarray, target: np.ndarray) -> float:
    """Return the mean of (prediction - target)^2.

    Shapes: prediction and target of the same shape -> one number.

    >>> float(mean_squared_error(np.array([2.0, 3.0, 5.0, 1.0]), np.array([4.0, 3.0, 1.0, 0.0])))
    5.25
    """
    return ((prediction - target) ** 2).mean()


# %% [markdown]
# ## What every lesson has
#
# - **Exercises** in the place of the function above: its name, a sentence on what it does, and
#   `raise NotImplementedError` where your code goes. Replace that line. `nanograd list` shows them all.
# - **Hints**, three for each, from a question to nearly the answer: `nanograd hint 02.unbroadcast`.
# - **An ending** that runs on your own code: `python lesson.py` in the directory of the lesson.
#
# You may start with any lesson, and leave any exercise for later: each is graded for itself, whatever you have done to
# the others.
#
# ## The ending: see the graph
#
# `python lesson.py` hands your function nanograd's tensors instead of arrays. It works as it is, and this time every
# step leaves a trace. The picture shows it: the result at the top, and under each step what it was computed from. (The
# mean is a sum and a division. The targets are not in it: nobody wants to change them.) A library walks this picture
# from the result down to find out how to make the loss smaller. In lesson 03 you build that walk. Write `.sum()` again,
# and watch the picture change.


# %%
if __name__ == "__main__":
    import nanograd

    prediction = nanograd.tensor([2.0, 3.0, 5.0, 1.0], requires_grad=True)
    target = nanograd.tensor([4.0, 3.0, 1.0, 0.0])
    loss = mean_squared_error(prediction, target)
    print(nanograd.draw(loss, {"prediction": prediction, "target": target}))
    loss.backward()
    print(f"the loss is {loss.item()}, and for a smaller one each prediction must move against its gradient:")
    print(prediction.grad)
