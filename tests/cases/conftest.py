"""The cases' own programs are run by `test_cases`, never imported."""

collect_ignore_glob = ["prelude.py", "*/make.py", "*/check.py"]
