"""What measures Meadow, beside what it is measured against: `./meadow bench` runs it."""
