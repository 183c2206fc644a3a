const player = document.getElementById("player");
function jump(seconds) {
  if (!player) return;
  player.currentTime = seconds;
  player.scrollIntoView({ block: "nearest" });
}
for (const button of document.querySelectorAll("[data-start]"))
  button.addEventListener("click", () => jump(Number(button.dataset.start)));
