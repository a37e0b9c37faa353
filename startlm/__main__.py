"""`python -m startlm`: the same door as the command `startlm`."""

import sys

try:
    from startlm.cli import main
except KeyboardInterrupt:  # nothing has begun
    sys.exit(130)

if __name__ == "__main__":
    main()
