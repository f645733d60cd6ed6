"use strict";
(() => {
  const $ = id => document.getElementById(id), root = document.documentElement;
  const data = JSON.parse($("data").textContent), last = data.steps.length - 1;
  const articles = [...document.querySelectorAll("article")];
  const parts = [...document.querySelectorAll(".k")];
  const films = [...document.querySelectorAll(".film")].map((film, i) => ({
    states: data.films[i],
    arrows: [...film.querySelectorAll(".net .e")],
    cells: [...film.querySelectorAll(".net .p")].map(p => [...p.children]),
    sizes: [...film.querySelectorAll(".net text.g")],
    dead: [...film.querySelectorAll(".net .dead")],
    loss: film.querySelector(".net .loss"),
    told: film.querySelector(".told"),
  }));

  /*deck*/
  const put = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

  function show(at) {
    for (const film of films) {
      const state = film.states[at];
      film.arrows.forEach((arrow, i) => arrow.setAttribute("class", "e w" + state.e[i]));
      state.p.forEach(([letters, text], i) => {
        film.cells[i].forEach((cell, j) => {
          const letter = letters[j];
          cell.setAttribute("class", "h h" + (letter === "x" ? "x" : letter.charCodeAt(0) - 97));
        });
        put(film.sizes[i], text);
      });
      film.dead.forEach(text => put(text, state.d[text.dataset.layer]));
      put(film.loss, state.loss);
      put(film.told, state.s);
    }
    parts.forEach(part => part.classList.toggle("on", part.classList.contains("k" + at)));
    articles.forEach((article, i) => article.classList.toggle("on", i === at));
    $("phase").textContent = data.steps[at];
    return `snapshot ${at} of ${last}, ${data.steps[at]}`;
  }

  root.classList.add("js");
  deck(last, 900, show).start();
})();
