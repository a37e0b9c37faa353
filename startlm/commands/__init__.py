"""What the door offers beside the steps: new, predict, compare, demo, doctor; and how progress is shown in a terminal."""
