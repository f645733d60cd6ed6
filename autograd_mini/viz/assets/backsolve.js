  // The matrix of local derivatives: a row appears with its value, and is solved when its gradient is whole.
  const rows = [...document.querySelectorAll(".mr")].map((e, j) => ({
    e, of: e.dataset.of, cells: [...e.querySelectorAll(".mc")], column: [], name: e.querySelector(".ml").textContent,
  }));
  rows.forEach((row, i) => row.cells.forEach(cell => rows[cell.id.split("_")[1]].column.push([i, cell])));
  const sums = $("system-text").textContent.split("\n").slice(1).reverse()
    .map(line => line.trim().replace(/ +/g, " ").replace(/ = (\S+) = \1$/, " = $1"));
  const modes = page.shown, listed = all => all.length > 3 ? [...all.slice(0, 3), `and ${all.length - 3} more`] : all;
  page.shown = at => {
    modes(at);
    const step = steps[at], back = step.p === "backward", lit = [], said = [], todo = [], wanted = new Set(step.t);
    rows.forEach((row, j) => {
      const node = nodes.get(row.of), whole = node.grown > 0 && node.grown === node.g.length;
      const to = (back || step.p === "seed") && wanted.has(row.of);
      row.e.classList.toggle("has", node.has);
      row.e.classList.toggle("solved", whole);
      row.e.classList.toggle("cur", row.of === step.n);
      row.e.classList.toggle("to", to);
      if (to && whole) said.push(sums[j]);
      else if (to) todo.push(`∂${row.name}`);
      if (step.p === "forward" && row.of === step.n) {
        lit.push(...row.cells);
        said.push(...row.cells.map(c => `∂${row.name}/∂${rows[c.id.split("_")[1]].name} = ${c.firstChild.textContent}`));
      }
      if (!to || !back) return;
      for (const [i, cell] of row.column)
        if (whole || rows[i].of === step.n) lit.push(cell, $("g" + i));
    });
    if (todo.length) said.push(`${listed(todo).join(", ")}: not all terms are known yet`);
    mark("on cells", lit);
    $("solved").replaceChildren(...listed(said).map(text => Object.assign(document.createElement("span"), {textContent: text})));
  };
  const fold = open => { $("matrix").setAttribute("aria-pressed", open); $("system").hidden = !open; size(); };
  $("matrix").onclick = () => fold($("system").hidden);
  $("system").hidden = !matchMedia("(min-width:1200px),(max-width:600px)").matches;
  $("matrix").setAttribute("aria-pressed", !$("system").hidden);
