// Completes forum names while they are typed. Without this script, the field takes any name, too.
for (const field of document.querySelectorAll("input[data-names]")) {
  const list = document.getElementById(field.getAttribute("list"));
  let timer;
  let asked = "";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    const term = field.value.trim().replace(/^@/, "");
    if (term.length < 2 || term === asked) return;
    timer = setTimeout(async () => {
      asked = term;
      const answer = await fetch(`${field.dataset.names}?term=${encodeURIComponent(term)}`);
      if (!answer.ok || asked !== term) return;
      const { names } = await answer.json();
      list.replaceChildren(...names.map((one) => new Option(one.name, one.username)));
    }, 250);
  });
}
