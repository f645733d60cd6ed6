  // Predict, then reveal: a step's numbers are held back, one share after the other.
  let predicting = false, right = 0, tried = 0;
  const done = new Map(), form = $("ask"), answer = $("answer"), said = $("said");
  const missing = [
    "The size is right; look at the sign.",
    "That is the sum so far: asked is the share of this use alone.",
    "That is the incoming gradient: the local derivative is left out.",
    "That is the local derivative: the incoming gradient is left out.",
    "You left out the transpose.",
  ];
  const shares = i => [...articles[i].querySelectorAll(".c")];
  page.solved = i => {
    if (!predicting) return Infinity;
    const first = shares(i).findIndex(c => c.dataset.a !== undefined && !done.has(c));
    return first < 0 ? Infinity : first;
  };
  page.shown = i => {
    const held = page.solved(i);
    shares(i).forEach((c, k) => {
      c.classList.toggle("asking", k === held);
      c.classList.toggle("later", k > held);
    });
    articles[i].classList.toggle("pending", held < Infinity);
    root.classList.toggle("pending", held < Infinity);
    form.hidden = held === Infinity;
    if (form.hidden) return;
    const share = shares(i)[held];
    share.append(form);
    $("where").textContent = share.dataset.at ? `How large is ${share.dataset.at} of it?` : "How large is it?";
    answer.value = said.textContent = "";
    form.dataset.hints = 0;
    form.dataset.wrong = "";
    if (!playing()) answer.focus({preventScroll: true});
  };
  const settle = (share, won) => {
    done.set(share, won);
    tried += 1;
    right += won;
    $("score").textContent = `${right} of ${tried}`;
    show(at);
  };
  const close = (x, a) => Math.abs(x - a) <= 0.01 * Math.abs(a);
  form.onsubmit = event => {
    event.preventDefault();
    const share = form.parentElement, a = +share.dataset.a;
    const x = Number(answer.value.trim().replace("−", "-").replace(",", "."));
    if (answer.value.trim() === "" || Number.isNaN(x)) { said.textContent = "A number, please: −0.25 or 1e-3."; return; }
    if (close(x, a)) {
      const first = !form.dataset.wrong && form.dataset.hints === "0";
      settle(share, first ? 1 : 0);
      return;
    }
    form.dataset.wrong = "yes";
    const found = JSON.parse(share.dataset.w).find(([number]) => close(x, number));
    said.textContent = !found ? "Not yet. A hint?"
      : typeof found[1] === "number" ? missing[found[1]] : `You left out the factor ${found[1]}.`;
    answer.select();
  };
  $("hint").onclick = () => {
    const share = form.parentElement, count = form.dataset.hints = +form.dataset.hints + 1;
    share.classList.add("hinted");
    const parts = share.querySelector(".how") ? "incoming gradient times local derivative" : "the rule above";
    said.textContent = count === 1 ? `It is ${parts}; the numbers stand in the picture.`
      : `It begins with ${(+share.dataset.a).toPrecision(1).replace("-", "−")}.`;
    answer.focus();
  };
  $("reveal").onclick = () => settle(form.parentElement, 0);
  $("predict").onclick = () => {
    predicting = !predicting;
    done.clear();
    right = tried = 0;
    $("score").textContent = "";
    $("predict").setAttribute("aria-pressed", predicting);
    if (predicting && at < steps.findIndex(s => s.p === "backward")) go(steps.findIndex(s => s.p === "backward"));
    else go(at);
  };
