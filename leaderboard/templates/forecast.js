const player = document.getElementById("player");
function jump(seconds) {
  if (!player) return;
  player.currentTime = seconds;
  player.scrollIntoView({ block: "nearest" });
}
player?.addEventListener("loadedmetadata", () => {
  if (player.videoWidth) // thumbnails are stored square
    document.documentElement.style.setProperty("--shape", `${player.videoWidth} / ${player.videoHeight}`);
});
for (const button of document.querySelectorAll("[data-start]"))
  button.addEventListener("click", () => jump(Number(button.dataset.start)));
