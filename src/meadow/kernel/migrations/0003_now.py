"""Adds the function that turns machine time into domain time, for statements that must not ask twice."""

from django.db import migrations

CREATE = """
CREATE FUNCTION kernel_now(machine timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT machine + (SELECT offset_us FROM kernel_clockoffset WHERE id = 1) * interval '1 microsecond'
$$
"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0002_guards")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION kernel_now(timestamptz)")]
