"""`python -m startlm`: the same door as the command `startlm`."""

from startlm.cli import main

if __name__ == "__main__":
    main()
