"""The tiny Linux guest of the lab: the distribution's kernel, busybox and a shell script."""
