// What Python computed for this page, and the page's words in both languages.

const facts = JSON.parse(document.getElementById("facts").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
