"""What the door offers beside the steps: new, predict, compare, demo, schema, doctor; and how progress is shown in a terminal."""
